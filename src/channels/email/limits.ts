import { isIP } from 'node:net'

const hour = 3_600_000
/** Connections at once from one server that is not on this machine. */
const mostConnections = 30

/**
 * How much one server may bring. Servers on this machine are ours, and bring everybody's mail: they are not limited.
 * Kept in memory for an hour at most, and only as long as a server writes.
 */
export function arrivalLimits(mailsAnHour: number, now: () => number) {
  const connections = new Map<string, number>()
  const mails = new Map<string, { begun: number; count: number }>()

  return {
    /** Counts a connection; false if there are too many already. */
    connected(address: string): boolean {
      const open = (connections.get(address) ?? 0) + 1
      connections.set(address, open)
      return isOnThisMachine(address) || open <= mostConnections
    },

    closed(address: string): void {
      const open = (connections.get(address) ?? 1) - 1
      if (open > 0) connections.set(address, open)
      else connections.delete(address)
    },

    /** Counts a mail; false if this server has written too many within the hour. */
    mayWrite(address: string): boolean {
      if (mailsAnHour === 0 || isOnThisMachine(address)) return true
      forget()
      const seen = mails.get(address) ?? { begun: now(), count: 0 }
      seen.count += 1
      mails.set(address, seen)
      return seen.count <= mailsAnHour
    },
  }

  // They stand in the order in which they began, so looking ends at the first that is not old.
  function forget(): void {
    for (const [address, { begun }] of mails) {
      if (now() - begun < hour) return
      mails.delete(address)
    }
  }
}

export function isOnThisMachine(address: string): boolean {
  const bare = address.replace(/^::ffff:/i, '')
  return isIP(bare) === 4 ? bare.startsWith('127.') : bare === '::1'
}
