import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { madeBy, type ProcessCommand } from '../processes/child-process.ts'
import { sandboxed } from '../processes/confinement.ts'
import type { Programs } from './types.ts'

export const noPrograms: Programs = {
  sandbox: false,
  mat2: false,
  ffmpeg: false,
  exiftool: false,
  heif: false,
}

const Answer = z
  .object({ mat2: z.boolean(), ffmpeg: z.boolean(), exiftool: z.boolean(), 'heif-convert': z.boolean() })
  .transform(({ 'heif-convert': heif, ...others }) => ({ sandbox: true, heif, ...others }))

const folder = fileURLToPath(new URL('./sandbox/', import.meta.url))

/** All that is written in the sandbox is written here, in memory. Bytes. */
const room = 512 * 1024 * 1024

/** Long enough for Python on a slow machine. Milliseconds. */
const firstWord = 20_000

const programs = ['ffmpeg', 'ffprobe', 'exiftool', 'heif-convert']

/** What cleans, in the sandbox. Its limits it sets itself, before it reads a byte (`sandbox/main.py`). */
export function cleaning(...args: string[]): ProcessCommand {
  const sees = [
    // What may be started from there: mat2 would start a sandbox in the sandbox, if it found one.
    ...programs.flatMap((name) => ['--symlink', `/usr/bin/${name}`, `/programs/${name}`]),
    ...['--ro-bind', folder, '/barua'],
  ]
  const command = ['/usr/bin/python3', '-B', '-s', '-E', '/barua/main.py', ...args]
  return sandboxed({ sees, env: { PATH: '/programs' }, room }, command)
}

/** Looks what there is. @throws where the sandbox does not work: no file is given to a program outside it */
export async function findPrograms(command = cleaning('programs')): Promise<Programs> {
  const made = await madeBy(command, Readable.from([]), { patience: firstWord })
  if (typeof made === 'string') throw new Error('the sandbox does not work')
  return Answer.parse(JSON.parse(await text(made.content)))
}
