import { type ChildProcess, spawn } from 'node:child_process'

/**
 * Reads `own PID`, `disown PID`, `dir PATH` and `undir PATH`, one a line, until its input ends.
 *
 * The input ends when this process does, however it does: then every pid still owned is killed and every directory
 * still listed is removed. Each pid is checked to be a number above 1: 0 would be the whole process group.
 */
const script = `
trap '' INT TERM HUP QUIT
pids=' '
dirs=''
while read -r verb what; do
  case "$verb" in
    own) pids="$pids$what " ;;
    disown) rest=' '; for pid in $pids; do [ "$pid" = "$what" ] || rest="$rest$pid "; done; pids="$rest" ;;
    dir) dirs="$dirs$what
" ;;
    undir) rest=''; while read -r dir; do [ -z "$dir" ] || [ "$dir" = "$what" ] || rest="$rest$dir
"; done <<END
$dirs
END
      dirs="$rest" ;;
  esac
done
for pid in $pids; do
  case "$pid" in *[!0-9]*) continue ;; esac
  [ "$pid" -gt 1 ] && kill -KILL "$pid" 2>/dev/null
done
[ -z "$dirs" ] && exit 0
sleep 0.2
while read -r dir; do
  case "$dir" in */plinth-*) rm -rf -- "$dir" ;; esac
done <<END
$dirs
END
`

let running: ChildProcess | undefined

/** The watchdog is a shell, not a Node process: 1 MB and 2 ms for each process that starts servers. */
function watchdog(): ChildProcess {
  if (running) return running
  const child = spawn('/bin/sh', ['-c', script], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] })
  child.unref()
  child.stdin?.on('error', () => {})
  if (child.stdin && 'unref' in child.stdin && typeof child.stdin.unref === 'function') child.stdin.unref()
  running = child
  return child
}

function tell(line: string): void {
  watchdog().stdin?.write(`${line}\n`)
}

/** Throws unless `pid` names one single process: 0, -1 and 1 would signal others. */
export function assertPid(pid: number | undefined): asserts pid is number {
  if (pid === undefined || !Number.isSafeInteger(pid) || pid <= 1) throw new Error(`Not a process id: ${pid}`)
}

/** Has process `pid` killed when this process ends without having ended it, even by SIGKILL. */
export function ownProcess(pid: number): void {
  assertPid(pid)
  tell(`own ${pid}`)
}

/** Takes back {@link ownProcess}: the process has ended, and its number may be given to another. */
export function disownProcess(pid: number): void {
  tell(`disown ${pid}`)
}

/** Has directory `path` removed when this process ends without having removed it. Its last part must begin with `plinth-`. */
export function ownDirectory(path: string): void {
  tell(`dir ${path}`)
}

/** Takes back {@link ownDirectory}. */
export function disownDirectory(path: string): void {
  tell(`undir ${path}`)
}

/** The pid of the watchdog of this process, if it has one: no leftover, though a child. */
export function watchdogPid(): number | undefined {
  return running?.pid
}
