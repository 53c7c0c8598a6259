import { LuaScript } from './lua-script.js'

/** Finds a job in the lanes of its queue. `names` are the queue's lanes with the prefix, such as `{plinth}:mail-high`. */
const FIND = `
local names = { ARGV[1], ARGV[2], ARGV[3] }
local function find(id)
  for lane = 1, 3 do
    if redis.call('EXISTS', names[lane] .. ':' .. id) == 1 then return lane end
  end
end
local function drop(name, id)
  local job = name .. ':' .. id
  redis.call('DEL', job, job .. ':logs', job .. ':memo')
  redis.call('XADD', name .. ':events', 'MAXLEN', '~', 10000, '*', 'event', 'removed', 'jobId', id)
end
`

/**
 * Stores a message that has keys, or whose id may be known: all or nothing, in one step.
 *
 * A key points to the task that holds it, and whether it still holds it is read off that task: nothing has to be cleaned up
 * when a task ends, so nothing can be forgotten. Jobs are laid out as BullMQ lays them out.
 *
 * KEYS: idempotency key, unique key, debounce key. ARGV: the three lanes, the lane's index, id, name, data, options (JSON),
 * now, delay, idempotency window, unique mode (`''`, `active`, `pending`), debounce wait, how long a cancelled task is
 * remembered, how long an unused unique key is.
 */
export const storeKeyed: LuaScript = new LuaScript(`${FIND}
local lane, id, name, data, options = tonumber(ARGV[4]), ARGV[5], ARGV[6], ARGV[7], ARGV[8]
local now, delay, window, mode, wait = tonumber(ARGV[9]), tonumber(ARGV[10]), tonumber(ARGV[11]), ARGV[12], tonumber(ARGV[13])
if find(id) or redis.call('EXISTS', names[2] .. ':cancelled:' .. id) == 1 then return { 0, id } end
if window > 0 then
  local holder = redis.call('GET', KEYS[1])
  if holder then return { 0, holder } end
end
if mode ~= '' then
  local holder = redis.call('GET', KEYS[2])
  local at = holder and holder ~= id and find(holder)
  if at then
    local job = names[at] .. ':' .. holder
    local free = redis.call('HEXISTS', job, 'finishedOn') == 1
      or (mode == 'pending' and redis.call('HEXISTS', job, 'processedOn') == 1)
    if not free then
      if window > 0 then redis.call('SET', KEYS[1], holder, 'PX', window) end
      return { 0, holder }
    end
  end
end
if wait > 0 then
  local holder = redis.call('GET', KEYS[3])
  local at = holder and find(holder)
  if at and redis.call('ZREM', names[at] .. ':delayed', holder) == 1 then
    drop(names[at], holder)
    redis.call('SET', names[2] .. ':cancelled:' .. holder, cjson.encode('A later enqueue of the same key took its place.'), 'PX', ARGV[14])
  end
end
local own = names[lane]
local job = own .. ':' .. id
redis.call('INCR', own .. ':id')
redis.call('HSET', job, 'name', name, 'data', data, 'opts', options, 'timestamp', ARGV[9], 'delay', delay, 'priority', 0)
redis.call('XADD', own .. ':events', 'MAXLEN', '~', 10000, '*', 'event', 'added', 'jobId', id, 'name', name)
if delay > 0 then
  redis.call('ZADD', own .. ':delayed', (now + delay) * 4096, id)
  redis.call('XADD', own .. ':events', '*', 'event', 'delayed', 'jobId', id, 'delay', now + delay)
  local first = redis.call('ZRANGE', own .. ':delayed', 0, 0, 'WITHSCORES')
  redis.call('ZADD', own .. ':marker', math.floor(tonumber(first[2]) / 4096), '1')
else
  redis.call('LPUSH', own .. ':wait', id)
  redis.call('XADD', own .. ':events', '*', 'event', 'waiting', 'jobId', id)
  if redis.call('HEXISTS', own .. ':meta', 'paused') == 0 then redis.call('ZADD', own .. ':marker', 0, '0') end
end
if window > 0 then redis.call('SET', KEYS[1], id, 'PX', window) end
if mode ~= '' then redis.call('SET', KEYS[2], id, 'PX', ARGV[15]) end
if wait > 0 then redis.call('SET', KEYS[3], id, 'PX', wait + 60000) end
return { 1, id }
`)

/**
 * Cancels a job that nobody runs, in one step, and leaves a mark on one that runs: it finds its worker, or whoever has the
 * job next. ARGV: the three lanes, id, reason (JSON), how long it is remembered, the mark.
 *
 * Answers `cancelled`, `running`, `finished` or `unknown`.
 */
export const cancelWaiting: LuaScript = new LuaScript(`${FIND}
local id = ARGV[4]
local at = find(id)
if not at then
  if redis.call('EXISTS', names[2] .. ':cancelled:' .. id) == 1 then return 'finished' end
  return 'unknown'
end
local name = names[at]
if redis.call('HEXISTS', name .. ':' .. id, 'finishedOn') == 1 then return 'finished' end
local gone = redis.call('ZREM', name .. ':delayed', id) + redis.call('ZREM', name .. ':prioritized', id)
if gone == 0 then gone = redis.call('LREM', name .. ':wait', 1, id) end
if gone == 0 then gone = redis.call('LREM', name .. ':paused', 1, id) end
if gone == 0 and redis.call('EXISTS', name .. ':' .. id .. ':lock') == 0 then
  gone = redis.call('LREM', name .. ':active', 1, id) -- its worker has died
end
if gone == 0 then
  redis.call('HSET', name .. ':' .. id, 'defa', ARGV[7])
  return 'running'
end
drop(name, id)
redis.call('SET', names[2] .. ':cancelled:' .. id, ARGV[5], 'PX', ARGV[6])
return 'cancelled'
`)

/**
 * Reads a job and where it stands. ARGV: the three lanes, id.
 *
 * Answers `{ lane, state, field, value, ... }`, `{ 0, 'cancelled', reason }`, or nothing.
 */
export const readJob: LuaScript = new LuaScript(`${FIND}
local id = ARGV[4]
local at = find(id)
if not at then
  local reason = redis.call('GET', names[2] .. ':cancelled:' .. id)
  if reason then return { 0, 'cancelled', reason } end
  return nil
end
local name = names[at]
local job = name .. ':' .. id
local state = 'waiting'
if redis.call('HEXISTS', job, 'finishedOn') == 1 then
  state = redis.call('ZSCORE', name .. ':completed', id) and 'completed' or 'dead'
elseif redis.call('ZSCORE', name .. ':delayed', id) then state = 'delayed'
elseif redis.call('EXISTS', job .. ':lock') == 1 then state = 'running'
end
local answer = redis.call('HGETALL', job)
table.insert(answer, 1, state)
table.insert(answer, 1, at)
return answer
`)

/** Prolongs a lease that is still ours. KEYS: the lease. ARGV: our token, milliseconds. Answers whether it was. */
export const renewLease: LuaScript = new LuaScript(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
`)

/** Writes what a leader leaves to the next, while it leads. KEYS: the lease, the state. ARGV: our token, the state. */
export const saveAsLeader: LuaScript = new LuaScript(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[2], ARGV[2])
return 1
`)

/** Gives a lease up that is still ours. KEYS: the lease. ARGV: our token. */
export const dropLease: LuaScript = new LuaScript(`
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
`)

/** Drops a dead job for good. ARGV: the three lanes, id. Answers whether there was one. */
export const discardDead: LuaScript = new LuaScript(`${FIND}
local id = ARGV[4]
local at = find(id)
if not at or redis.call('ZREM', names[at] .. ':failed', id) == 0 then return 0 end
drop(names[at], id)
return 1
`)
