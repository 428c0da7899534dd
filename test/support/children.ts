import { readdir, readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'

export type ProcessSeen = { pid: number; parent: number; command: string; peak: number }

/** All processes below one, with the memory that each had at most so far, in bytes. Linux only. */
export async function processesBelow(root: number): Promise<ProcessSeen[]> {
  const numbers = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)
  const all = await Promise.all(numbers.map(seen))
  const parents = new Map(all.map(({ pid, parent }) => [pid, parent]))
  const isBelow = (pid: number): boolean => {
    const parent = parents.get(pid)
    return parent !== undefined && (parent === root || isBelow(parent))
  }
  return all.filter(({ pid }) => isBelow(pid))
}

async function seen(pid: number): Promise<ProcessSeen> {
  const [status, command] = await Promise.all(
    ['status', 'cmdline'].map((name) => readFile(`/proc/${pid}/${name}`, 'utf8').catch(() => '')),
  )
  const figure = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status ?? '')?.[1] ?? 0)
  return {
    pid,
    parent: figure('PPid'),
    command: (command ?? '').replaceAll('\0', ' '),
    peak: figure('VmHWM') * 1024,
  }
}

/** Node with a program of ours, and not what confines it. */
export function isReading({ command }: ProcessSeen): boolean {
  return /^\S*node \S+ \S*\/(?:preview\/process|picture-process)\.ts/.test(command)
}

/** What work gives, the memory that its largest process had, and how many of them read a file at once at most. */
export async function watched<T>(work: () => Promise<T>): Promise<{ made: T; peak: number; atOnce: number }> {
  let [peak, atOnce, isDone] = [0, 0, false]
  const watching = (async () => {
    while (!isDone) {
      const found = await processesBelow(process.pid)
      peak = Math.max(peak, ...found.map((one) => one.peak))
      atOnce = Math.max(atOnce, found.filter(isReading).length)
      await sleep(10)
    }
  })()
  const made = await work().finally(() => {
    isDone = true
  })
  await watching
  return { made, peak, atOnce }
}
