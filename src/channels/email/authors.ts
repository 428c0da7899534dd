import type { AddressObject } from 'mailparser'

/** Whoever a mail says it is by. Its own word, as all of a header. */
export type MailAuthor = { address: string; name: string }

/** More are no authors. */
const mostAuthors = 20

/** All who are named in `From`, also in groups, each address once: https://www.rfc-editor.org/rfc/rfc5322#section-3.6.2 */
export function authorsIn(from: AddressObject | undefined): MailAuthor[] {
  const authors = (from?.value ?? [])
    .flatMap((one) => one.group ?? [one])
    .flatMap(({ address, name }) => (address ? [{ address, name: name.trim() }] : []))
  const first = (one: MailAuthor) => authors.findIndex((other) => isSame(other.address, one.address))
  return authors.filter((one, index) => first(one) === index).slice(0, mostAuthors)
}

/**
 * Which author is answered where the mail names no other address: of several the one who has sent it (`Sender`), or else
 * the first. A `Sender` who is no author only sent it on, and is not who wrote.
 */
export function authorToAnswer(authors: MailAuthor[], sender: string | undefined): MailAuthor | undefined {
  return authors.find(({ address }) => sender !== undefined && isSame(address, sender)) ?? authors[0]
}

/** “Jane Mwangi, Ali Otieno and amina@example.org”; empty where there is one only, and without a name. */
export function authorNames(authors: MailAuthor[]): string {
  const [only] = authors
  if (authors.length < 2) return only?.name ?? ''
  const names = authors.map(({ name, address }) => name || address)
  return `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`
}

/** As `Jane Mwangi <jane@example.org>`, to be shown. */
export function authorLine({ name, address }: MailAuthor): string {
  return name === '' ? address : `${name} <${address}>`
}

function isSame(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase()
}
