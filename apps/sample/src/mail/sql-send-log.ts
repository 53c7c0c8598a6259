import { SEND_STATES, type SendLog, type SendState } from '@plinth/email'
import type { Database } from '../database/database.js'

/** Keeps what became of each mail in the database. States move only forward, in one statement each. */
export function sqlSendLog(database: Database): SendLog {
  return {
    async record(entries) {
      for (const { id, recipientHash, messageId, template, state, at } of entries) {
        await database.query(
          `insert into sends (id, recipient_hash, message_id, template, state, at)
           values ($1, $2, $3, $4, $5, to_timestamp($6))
           on conflict (id, recipient_hash) do update set
             message_id = coalesce(excluded.message_id, sends.message_id),
             state = case when $7::text[] @> array[sends.state] then excluded.state else sends.state end,
             at = case when $7::text[] @> array[sends.state] then excluded.at else sends.at end`,
          [id, recipientHash, messageId ?? null, template ?? null, state, at / 1000, statesBefore(state)],
        )
      }
    },
    async advance({ messageId, recipientHash, state, at }) {
      const known = await database.query(
        `update sends set
           state = case when $5::text[] @> array[state] then $3 else state end,
           at = case when $5::text[] @> array[state] then to_timestamp($4) else at end
         where message_id = $1 and recipient_hash = $2 returning id`,
        [messageId, recipientHash, state, at / 1000, statesBefore(state)],
      )
      return known.length > 0
    },
  }
}

function statesBefore(state: SendState): readonly SendState[] {
  return SEND_STATES.slice(0, SEND_STATES.indexOf(state))
}
