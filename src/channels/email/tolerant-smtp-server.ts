import type { Socket } from 'node:net'
import { SMTPServer } from 'smtp-server'
import { SMTPConnection, type SMTPConnectionOptions } from 'smtp-server/lib/smtp-connection.js'
import { pathIn } from './smtp-path.ts'

/** Stands in for an address while the library looks at the parameters behind it. */
const somebody = 'somebody@example.org'

/**
 * A mail server that refuses no mail for how an address in its envelope is written: other servers do not send such a
 * mail again, and whoever wrote it has no say in it. Which recipients there are is asked as ever.
 */
export class TolerantServer extends SMTPServer {
  override connect(socket: Socket, options?: SMTPConnectionOptions | null): void {
    const connection = new TolerantConnection(this, socket, options ?? undefined)
    this.connections.add(connection)
    connection.on('error', (error) => this._onError(error))
    connection.on('connect', (data) => this._onClientConnect(data))
    connection.init()
  }
}

class TolerantConnection extends SMTPConnection {
  override _parseAddressCommand(name: string, command: Buffer | string) {
    const verb = name.toUpperCase() === 'RCPT TO' ? 'RCPT TO' : 'MAIL FROM'
    const path = pathIn(decoded(command), verb)
    if (!path) return false
    const { address, parameters } = path
    const parsed = super._parseAddressCommand(name, `${verb}:<${address && somebody}> ${parameters}`)
    return parsed && { ...parsed, address }
  }
}

/** As UTF-8, announced or not (RFC 6531); what is none is in the letters that were usual before. */
function decoded(command: Buffer | string): string {
  if (typeof command === 'string') return command
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(command)
  } catch {
    return command.toString('latin1')
  }
}
