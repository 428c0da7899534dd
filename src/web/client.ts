import { isIP } from 'node:net'
import type { Request, RequestHandler } from 'express'
import { clientNetwork } from '../core/client-network.ts'

/**
 * Leaves of each address in X-Forwarded-For what is an address: some proxies add the port that the client came from, which
 * is another one with each connection, and brackets or quotes around it (https://www.rfc-editor.org/rfc/rfc7239#section-6).
 */
export const bareForwarded: RequestHandler = (req, _res, next) => {
  const header = req.headers['x-forwarded-for']
  if (header !== undefined) {
    const addresses = [header].flat().join(',').split(',')
    req.headers['x-forwarded-for'] = addresses.map((one) => bareAddress(one.trim())).join(', ')
  }
  next()
}

/** By what a client is known: its address, in IPv6 its network. Where a proxy tells of none, all that it brings are one. */
export function clientOf(req: Request): string {
  const address = req.ip ?? ''
  return clientNetwork(isIP(address) ? address : (req.socket.remoteAddress ?? ''))
}

function bareAddress(address: string): string {
  const [, inBrackets] = /^"?\[([\da-f:.]+)(?:%[^\]]*)?\](?::\d+)?"?$/i.exec(address) ?? []
  const [, before] = /^"?((?:\d+\.){3}\d+):\d+"?$/.exec(address) ?? []
  return inBrackets ?? before ?? address.replace(/^"(.*)"$/, '$1').replace(/%.*$/, '')
}
