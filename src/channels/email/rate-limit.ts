import { isIP } from 'node:net'
import { clientNetwork } from '../../core/client-network.ts'

const hour = 3_600_000

/** Connections at once from one server that is not on this machine. */
const mostConnections = 30

/**
 * How much one server may bring, known by its address, in IPv6 by its network. Servers on this machine are ours, and bring
 * everybody's mail: they are not limited. Kept in memory for an hour at most, and only as long as a server writes.
 */
export function mailLimits(mailsAnHour: number, now: () => number) {
  const connections = new Map<string, number>()
  const mails = new Map<string, { begun: number; count: number }>()

  return {
    /** Counts a connection; false if there are too many already. */
    connected(address: string): boolean {
      const server = clientNetwork(address)
      const open = (connections.get(server) ?? 0) + 1
      connections.set(server, open)
      return isOnThisMachine(address) || open <= mostConnections
    },

    closed(address: string): void {
      const server = clientNetwork(address)
      const open = (connections.get(server) ?? 1) - 1
      if (open > 0) connections.set(server, open)
      else connections.delete(server)
    },

    /** Counts a mail; false if this server has written too many within the hour. */
    mayWrite(address: string): boolean {
      if (mailsAnHour === 0 || isOnThisMachine(address)) return true
      forget()
      const server = clientNetwork(address)
      const seen = mails.get(server) ?? { begun: now(), count: 0 }
      seen.count += 1
      mails.set(server, seen)
      return seen.count <= mailsAnHour
    },
  }

  // They stand in the order in which they began, so looking ends at the first that is not old.
  function forget(): void {
    for (const [server, { begun }] of mails) {
      if (now() - begun < hour) return
      mails.delete(server)
    }
  }
}

export function isOnThisMachine(address: string): boolean {
  const bare = address.replace(/^::ffff:/i, '')
  return isIP(bare) === 4 ? bare.startsWith('127.') : bare === '::1'
}
