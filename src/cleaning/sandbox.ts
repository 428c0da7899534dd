import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import type { Programs } from '../clean-copy.ts'
import { type Command, madeBy } from './child.ts'

export const noPrograms: Programs = {
  sandbox: false,
  mat2: false,
  ffmpeg: false,
  exiftool: false,
  heif: false,
}

const Told = z
  .object({ mat2: z.boolean(), ffmpeg: z.boolean(), exiftool: z.boolean(), 'heif-convert': z.boolean() })
  .transform(({ 'heif-convert': heif, ...others }) => ({ sandbox: true, heif, ...others }))

const folder = fileURLToPath(new URL('./sandbox/', import.meta.url))
/** All that is written in the sandbox is written here, in memory. Bytes. */
const room = 512 * 1024 * 1024
/** Long enough for Python on a slow machine. Milliseconds. */
const firstWord = 20_000

const programs = ['ffmpeg', 'ffprobe', 'exiftool', 'heif-convert']
const system = ['/usr', '/bin', '/lib', '/lib64', '/etc/alternatives', '/etc/fonts', '/etc/ld.so.cache']

/**
 * A process that sees the programs of the system and nothing else: no file of ours, no network, no other process, no
 * environment. It can write only into memory, and is gone with us. Its limits it sets itself, before it reads a byte
 * (`sandbox/main.py`).
 */
export function sandboxed(...args: string[]): Command {
  return {
    file: 'bwrap',
    env: { PATH: '/usr/local/bin:/usr/bin:/bin' },
    args: [
      ...['--unshare-all', '--unshare-user', '--disable-userns', '--uid', '65534', '--gid', '65534'],
      ...['--cap-drop', 'ALL', '--new-session', '--die-with-parent', '--clearenv'],
      ...system.flatMap((path) => ['--ro-bind-try', path, path]),
      // What may be started from there: mat2 would start a sandbox in the sandbox, if it found one.
      ...programs.flatMap((name) => ['--symlink', `/usr/bin/${name}`, `/programs/${name}`]),
      ...['--ro-bind', folder, '/barua', '--dev', '/dev', '--size', String(room), '--tmpfs', '/tmp'],
      ...['--remount-ro', '/dev', '--remount-ro', '/', '--chdir', '/tmp'],
      ...['--setenv', 'PATH', '/programs', '--setenv', 'HOME', '/tmp', '--setenv', 'LANG', 'C.UTF-8'],
      ...['--', '/usr/bin/python3', '-B', '-s', '-E', '/barua/main.py', ...args],
    ],
  }
}

/** Looks what there is. @throws where the sandbox does not work: no file is given to a program outside it */
export async function findPrograms(command = sandboxed('programs')): Promise<Programs> {
  const made = await madeBy(command, Readable.from([]), { patience: firstWord })
  if (typeof made === 'string') throw new Error('the sandbox does not work')
  return Told.parse(JSON.parse(await text(made.content)))
}
