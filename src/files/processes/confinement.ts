import { execPath } from 'node:process'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { unavailable } from '../../core/errors.ts'
import { loadedOnce } from '../../core/loaded-once.ts'
import { madeBy, type ProcessCommand } from './child-process.ts'

/** What a process sees besides the system, as bubblewrap is told; its environment; bytes that it may write, in memory. */
type Sandbox = { sees: string[]; env: Record<string, string>; room: number }

/** How a process that reads a sender's file is confined: bubblewrap and limits, or limits alone. */
export type Confinement = 'sandbox' | 'limits'

const MiB = 1024 * 1024

/**
 * What Node may take while it reads a file (setrlimit(2)). Of `data` it sets half a gigabyte aside for itself and uses
 * little of that, so that 700 megabytes are left for the file; of addresses it never uses most. Of processes those of the
 * whole user count where there is no sandbox, threads among them.
 */
const limits = {
  data: 1280 * MiB,
  as: 16_384 * MiB,
  cpu: 50,
  fsize: 0,
  nofile: 256,
  core: 0,
}

const mostProcesses: Record<Confinement, number> = { sandbox: 128, limits: 1024 }

const path = { PATH: '/usr/local/bin:/usr/bin:/bin' }
const system = ['/usr', '/bin', '/lib', '/lib64', '/etc/alternatives', '/etc/fonts', '/etc/ld.so.cache']
const house = fileURLToPath(new URL('../../../', import.meta.url))

/** Node, our code and its libraries; nothing that is kept or configured. */
const ours = [execPath, ...['package.json', 'node_modules', 'src'].map((name) => house + name)]

/** So large a picture that libvips would put it on the disk is never met. */
const onlyInMemory = { VIPS_DISC_THRESHOLD: '100g' }

/** Long enough for Node on a slow machine. Milliseconds. */
const firstWord = 20_000

/**
 * A process that sees the programs of the system and what it is shown, and nothing else: no other file of ours, no network,
 * no other process, no environment. It can write only into memory, and is gone with us.
 */
export function sandboxed({ sees, env, room }: Sandbox, command: string[]): ProcessCommand {
  return {
    file: 'bwrap',
    env: path,
    args: [
      ...['--unshare-all', '--unshare-user', '--disable-userns', '--uid', '65534', '--gid', '65534'],
      ...['--cap-drop', 'ALL', '--new-session', '--die-with-parent', '--clearenv'],
      ...system.flatMap((place) => ['--ro-bind-try', place, place]),
      ...['--dev', '/dev', '--size', String(room), '--tmpfs', '/tmp'],
      ...sees,
      ...['--remount-ro', '/dev', '--remount-ro', '/', '--chdir', '/tmp'],
      ...Object.entries({ HOME: '/tmp', LANG: 'C.UTF-8', ...env }).flatMap((one) => ['--setenv', ...one]),
      ...['--', ...command],
    ],
  }
}

const confinement = loadedOnce(async (): Promise<Confinement> => {
  for (const way of ['sandbox', 'limits'] as const) if (await works(way)) return way
  throw new Error('there is neither bubblewrap nor prlimit')
})

/**
 * A program of ours, run by Node, that reads a sender's file: in the sandbox where that works, and under the same limits
 * otherwise.
 * @throws Failure `unavailable` where there is neither
 */
export async function confined(program: string, ...args: string[]): Promise<ProcessCommand> {
  const way = await confinement().catch((error: unknown) => {
    throw unavailable(error)
  })
  return confinedBy(way, program, ...args)
}

/** As `confined`, in a way that is known to work. */
export function confinedBy(way: Confinement, program: string, ...args: string[]): ProcessCommand {
  return commandFor(way, ['--max-old-space-size=512', program, ...args])
}

function commandFor(way: Confinement, args: string[]): ProcessCommand {
  const most = Object.entries({ ...limits, nproc: mostProcesses[way] })
  const command = ['prlimit', ...most.map(([what, value]) => `--${what}=${value}`), '--', execPath, ...args]
  if (way === 'limits') return { file: '/usr/bin/env', args: command, env: { ...path, ...onlyInMemory } }
  const sees = ours.flatMap((place) => ['--ro-bind', place, place])
  return sandboxed({ sees, env: { ...path, ...onlyInMemory }, room: MiB }, command)
}

async function works(way: Confinement): Promise<boolean> {
  const made = await madeBy(commandFor(way, ['--version']), Readable.from([]), { patience: firstWord })
  return (
    typeof made === 'object' &&
    (await text(made.content).then(
      () => true,
      () => false,
    ))
  )
}
