import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { type ParsedMail, simpleParser } from 'mailparser'

const hasGpg = (() => {
  try {
    execFileSync('gpg', ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
})()
export const withGpg = hasGpg ? {} : { skip: 'needs GnuPG: apt-get install gnupg' }

/** What the two kinds of key that people have are made of: one part that signs, one that encrypts. */
export const algorithms = { rsa: ['rsa3072', 'rsa3072'], curve25519: ['ed25519', 'cv25519'] } as const

/** A mail that was opened: who signed it, and the mail inside. */
export type OpenedMail = { signedBy: string; said: string; mail: ParsedMail }

export type Gpg = ReturnType<typeof openGpg>

/** GnuPG with a home of its own, as a person has it. Its secret keys have no passphrase. */
export function openGpg(t: TestContext) {
  const home = mkdtempSync(join(tmpdir(), 'barua-gpg-'))
  t.after(() => {
    execFileSync('gpgconf', ['--homedir', home, '--kill', 'all'])
    rmSync(home, { recursive: true, force: true })
  })
  const run = (args: string[], input?: string | Buffer): Buffer =>
    execFileSync('gpg', [...always, '--homedir', home, ...args], {
      input: input ?? '',
      stdio: ['pipe', 'pipe', 'pipe'],
      maxBuffer: 50_000_000,
    })
  const fingerprint = (name: string) =>
    /^fpr:+([\dA-F]+)/m.exec(run(['--with-colons', '--list-keys', name]).toString())?.[1] ?? ''

  const gpg = {
    run,
    fingerprint,

    /** Makes a key; gives its public half, armored. Without an encryption algorithm it can only sign. */
    makeKey(name: string, [signs, encrypts]: readonly [string, string?], lasts = '1y'): string {
      run(['--quick-gen-key', name, signs, 'cert,sign', lasts])
      if (encrypts) run(['--quick-add-key', fingerprint(name), encrypts, 'encr', lasts])
      return gpg.publicKey(name)
    },

    publicKey: (name: string): string => run(['--armor', '--export', name]).toString(),

    /** The public half, after its owner has revoked it by the certificate that was made with it. */
    revoked(name: string): string {
      const certificate = execFileSync(
        'sed',
        ['s/^:-----BEGIN/-----BEGIN/', join(home, 'openpgp-revocs.d', `${fingerprint(name)}.rev`)],
        { encoding: 'utf8' },
      )
      run(['--import'], certificate)
      return gpg.publicKey(name)
    },

    import(key: string | Buffer): void {
      run(['--import'], key)
    },

    /** Decrypts a mail and verifies who signed it, as a mail program does. @throws where it does not open */
    async open(raw: string): Promise<OpenedMail> {
      const armored = /-----BEGIN PGP MESSAGE-----[\s\S]*?-----END PGP MESSAGE-----/.exec(raw)?.[0] ?? ''
      const status = join(home, 'status')
      const inner = run(['--status-file', status, '--decrypt'], armored)
      const told = execFileSync('cat', [status], { encoding: 'utf8' })
      rmSync(status)
      const signedBy = /^\[GNUPG:\] VALIDSIG ([\dA-F]+)/m.exec(told)?.[1] ?? ''
      return { signedBy, said: inner.toString(), mail: await simpleParser(inner) }
    },
  }
  return gpg
}

const always = [
  '--batch',
  '--no-tty',
  '--yes',
  '--quiet',
  '--trust-model',
  'always',
  '--pinentry-mode',
  'loopback',
  '--passphrase',
  '',
  // Tests move their clock on; what is signed tomorrow is no fault of its signer.
  '--ignore-time-conflict',
  '--ignore-valid-from',
]
