import type { SecurityEvent } from '../../audit/security-event.ts'
import type { SecurityAction } from '../../db/values.ts'
import type { Seat } from './seat.ts'

/** What an editor does in a session, as it is noted and told. */
export function eventBy(
  { editor, session }: Pick<Seat, 'editor' | 'session'>,
  action: SecurityAction,
  more: Pick<SecurityEvent, 'aboutId' | 'detail'> = {},
): SecurityEvent {
  const { beganAt, way } = session
  return { action, editorId: editor.id, session: { beganAt, way }, ...more }
}
