const day = 86_400_000

/** Whose key it is, as mail programs show it. */
type KeyOwner = { name: string; email: string }

/**
 * Makes the key that the newsroom signs mail with, armored: Ed25519, in the form that every GnuPG since 2.1 reads. It
 * can sign and nothing else, so that nobody encrypts to a server what only a person should read.
 */
export async function makeNewsroomKey({ name, email }: KeyOwner, now: number): Promise<string> {
  const { generateKey } = await import('openpgp')
  // A day is exact enough, and with it another machine's clock may be a little behind.
  const date = new Date(now - (now % day))
  const { privateKey } = await generateKey({
    type: 'ecc',
    curve: 'ed25519Legacy',
    userIDs: [{ name, email }],
    subkeys: [],
    date,
  })
  return privateKey
}

/** The half of it that editors verify our mail with. */
export async function publicHalf(privateKey: string): Promise<{ armored: string; fingerprint: string }> {
  const { readPrivateKey } = await import('openpgp')
  const key = await readPrivateKey({ armoredKey: privateKey })
  return { armored: key.toPublic().armor(), fingerprint: key.getFingerprint().toUpperCase() }
}
