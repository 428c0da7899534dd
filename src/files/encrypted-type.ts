/**
 * Media types of what is encrypted, or a signature or key of such programs. https://www.rfc-editor.org/rfc/rfc3156,
 * rfc8551
 */
export const encryptedTypes = {
  pgp: 'application/pgp-encrypted',
  pgpKeys: 'application/pgp-keys',
  pgpSignature: 'application/pgp-signature',
  cms: 'application/pkcs7-mime',
  cmsSignature: 'application/pkcs7-signature',
  age: 'application/x-age',
  keepass: 'application/x-keepass2',
} as const

const armors: [begins: RegExp, type: string][] = [
  [/^-----BEGIN PGP MESSAGE/, encryptedTypes.pgp],
  [/^-----BEGIN PGP (?:PUBLIC|PRIVATE) KEY/, encryptedTypes.pgpKeys],
  [/^-----BEGIN PGP SIGNATURE/, encryptedTypes.pgpSignature],
  [/^-----BEGIN (?:PKCS ?#?7|CMS)/, encryptedTypes.cms],
  [/^age-encryption\.org\/v1\n|^-----BEGIN AGE ENCRYPTED FILE/, encryptedTypes.age],
]

/**
 * Tells by its first bytes what is encrypted, or a signature or key. Undefined for all else, and for what shows nothing of
 * itself, as some encryption is meant to.
 */
export function encryptedType(sample: Buffer): string | undefined {
  const text = sample.subarray(0, 200).toString('latin1').trimStart()
  const armor = armors.find(([begins]) => begins.test(text))
  return armor?.[1] ?? keepassType(sample) ?? cmsType(sample) ?? pgpType(sample)
}

function keepassType(sample: Buffer): string | undefined {
  const isKeepass = sample.length >= 8 && sample.readUInt32LE(0) === 0x9aa2d903
  return isKeepass ? encryptedTypes.keepass : undefined
}

/** `1.2.840.113549.1.7`, pkcs-7, in DER or BER: https://www.rfc-editor.org/rfc/rfc5652#section-3 */
const pkcs7 = Buffer.from([0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07])

function cmsType(sample: Buffer): string | undefined {
  const at = sample[0] === 0x30 ? sample.indexOf(pkcs7) : -1
  return at > 0 && at <= 6 ? encryptedTypes.cms : undefined
}

/**
 * By the tag of the first packet, and the version that follows its length:
 * https://www.rfc-editor.org/rfc/rfc9580#section-4.2
 */
function pgpType(sample: Buffer): string | undefined {
  const packet = packetOf(sample)
  if (!packet) return undefined
  const version = sample[packet.bodyAt] ?? 0
  const known = packets.find(({ tag, versions }) => tag === packet.tag && versions.includes(version))
  return known?.type
}

const packets = [
  { tag: 1, versions: [3, 6], type: encryptedTypes.pgp },
  { tag: 3, versions: [4, 5, 6], type: encryptedTypes.pgp },
  { tag: 2, versions: [3, 4, 6], type: encryptedTypes.pgpSignature },
  { tag: 5, versions: [3, 4, 6], type: encryptedTypes.pgpKeys },
  { tag: 6, versions: [3, 4, 6], type: encryptedTypes.pgpKeys },
]

function packetOf(sample: Buffer): { tag: number; bodyAt: number } | undefined {
  const [first = 0, second = 0] = sample
  if ((first & 0x80) === 0) return undefined
  if ((first & 0x40) === 0) {
    const lengthBytes = [1, 2, 4, 0][first & 3] as number
    return { tag: (first & 0x3c) >> 2, bodyAt: 1 + lengthBytes }
  }
  const lengthBytes = second < 192 ? 1 : second < 224 ? 2 : second === 255 ? 5 : 1
  return { tag: first & 0x3f, bodyAt: 1 + lengthBytes }
}
