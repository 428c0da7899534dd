import { newId } from '../core/ids.ts'
import { StartError } from '../core/start-error.ts'
import type { InstallationStore } from '../db/installation-store.ts'

/** How many files are looked for on the other side, where neither side says to which it belongs. */
const sampleSize = 500

type PairingContext = {
  installation: Pick<InstallationStore, 'read' | 'begin' | 'join'>
  files: {
    /** The folder, as it is configured. */
    root: string
    owner(): Promise<string | undefined>
    claim(id: string): Promise<string>
    sample(most: number): Promise<string[]>
    haveAmong(ids: string[]): Promise<Set<string>>
  }
  /** Which of these files the database speaks of. */
  keptAmong(ids: string[]): Promise<Set<string>>
  /** Some of the files that the database speaks of, the newest first. */
  spokenOf(most: number): Promise<string[]>
  now: () => number
}

/**
 * Makes sure that the database and the folder of files belong together: both bear the same id. Nothing is concluded from
 * what is absent: a folder that was not mounted, or an empty database at a mistyped place, ends the start.
 * @throws StartError where they do not belong together, or nobody can tell; nothing was changed then
 */
export async function pair(app: PairingContext): Promise<void> {
  const { installation, files, now } = app
  // Another machine that starts at this moment writes the id into the database, then into the folder, then that they are
  // joined. So the folder is looked at first, and once more where that was before they were.
  const early = await files.owner()
  const known = await installation.read()
  const owner = early ?? (known?.isJoined ? await files.owner() : undefined)
  if (known?.isJoined && owner === undefined) throw notMounted(files.root)
  if (owner !== undefined && owner !== known?.filesId) throw ofAnother(files.root)
  if (known?.isJoined) return
  if (!known) await mustAgree(app)
  const { filesId } = known ?? (await installation.begin(newId(now())))
  if ((await files.claim(filesId)) !== filesId) throw ofAnother(files.root)
  await installation.join(now())
}

/** Where both are from before they bore an id: most files of each are known to the other. */
async function mustAgree({ files, keptAmong, spokenOf }: PairingContext): Promise<void> {
  const here = await files.sample(sampleSize)
  const known = await keptAmong(here)
  if (2 * known.size < here.length) throw ofAnother(files.root)
  const spoken = await spokenOf(sampleSize)
  const found = await files.haveAmong(spoken)
  if (2 * found.size < spoken.length) throw notMounted(files.root)
}

const wayOut = [
  'Nothing was changed. If they do belong together, as after a restore:',
  '  npm run barua -- storage adopt',
]

function notMounted(root: string): StartError {
  return new StartError(
    [
      `The files that the database speaks of are not in UPLOADS_DIR (${root}).`,
      'Is the disk mounted, and is UPLOADS_DIR what it was?',
      ...wayOut,
    ].join('\n'),
  )
}

function ofAnother(root: string): StartError {
  return new StartError(
    [
      `UPLOADS_DIR (${root}) belongs to another database than this one.`,
      'Are DATA_DIR, DATABASE_URL and UPLOADS_DIR what they were?',
      ...wayOut,
    ].join('\n'),
  )
}
