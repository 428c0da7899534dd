import { z } from 'zod'
import { fullNameFrom } from '../../accounts/editor.ts'
import { type AuditEntry, auditNames } from '../../audit/log.ts'
import type { AuditStore } from '../../audit/store.ts'
import { readReference } from '../../submissions/receipt.ts'
import type { DeskContext } from '../http/context.ts'
import type { DeskRoute } from '../http/routes.ts'

const pageSize = 100

/** Of an editor whom something was done to. */
const idIn = /\b[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}\b/g

const Below = z.coerce.number().int().positive().optional().catch(undefined)

type AuditContext = Pick<DeskContext, 'showPage' | 'editors'> & {
  audit: Pick<AuditStore, 'page' | 'head'>
}

/**
 * The audit log, for admins to read: who had which submission in their hands, and who changed what opens. Names stand
 * with the address, for anybody can call themselves anything.
 */
export function auditRoutes(app: AuditContext): DeskRoute[] {
  return [
    {
      method: 'get',
      path: '/desk/trail',
      access: 'admin',
      async handle(req, res, seat) {
        const below = Below.parse(req.query.below)
        const reference = readReference(req.query.reference)
        const page = await app.audit.page(pageSize + 1, { below, reference })
        const entries = page.slice(0, pageSize)
        const nameOf = fullNameFrom(await app.editors.names())
        await app.showPage(res, seat, 'desk/audit-log', {
          entries,
          reference,
          next: page.length > pageSize ? entries.at(-1)?.number : undefined,
          head: await app.audit.head(),
          auditNames,
          nameOf: (id: string | null) => (id === null ? 'Barua' : (nameOf(id) ?? '?')),
          detailOf: ({ detail }: AuditEntry) => detail?.replace(idIn, (id) => nameOf(id) ?? id),
        })
      },
    },
  ]
}
