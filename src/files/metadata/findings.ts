import { z } from 'zod'
import type { Finding, FindingGroup } from './types.ts'

/** A row as `sandbox/inspect_metadata.py` tells it: where in the file it stands, what it is about, and what it says. */
const FindingRow = z.object({ place: z.string(), about: z.string(), name: z.string(), value: z.string() })
type FindingRow = z.infer<typeof FindingRow>

/** What every file has, for it is about the file on the disk or how it is packed. */
const ofNoMatter = /^(?:ExifTool|System|File|ZIP|RIFF|JFIF|Composite|ICC[-_].*)$/
const empty = /^(?:|0|None|False|0000:00:00 00:00:00)$/

/** By what a tag is called, and failing that by what it is about. The first that fits counts. */
const byName: [RegExp, FindingGroup][] = [
  [/^GPSVersionID$|Version$|^Handler/, 'other'],
  [/GPS|Location|^City$|Country|Province|^State$|Latitude|Longitude|Altitude/i, 'place'],
  [/Thumbnail|Preview(?:Image|PDF)|JpgFromRaw|^Picture$|CoverArt/i, 'thumbnail'],
  [
    /Author|Creator$|Artist|Owner|By-?line|ModifiedBy|Manager|Company|Copyright|Rights|^Name$|Credit|Contact/i,
    'people',
  ],
  [
    /Serial|^Make$|Model|HostComputer|Software|CreatorTool|Producer|Application|Encoder|Lens|Device|UniqueID|VendorID|CompressorName/i,
    'device',
  ],
  [/History|Revision|Comment|^Tracked changes$|TotalEdit|DocumentID|InstanceID|DerivedFrom/i, 'edits'],
]
const byAbout: Record<string, FindingGroup> = {
  Location: 'place',
  Camera: 'device',
  Author: 'people',
  Time: 'times',
  Preview: 'thumbnail',
}

const telling =
  /Title|Subject|Description|Keyword|Caption|Headline|Template|Instructions|UserDefinedText|Label|Tag[A-Z]|Text$|^Pictures in it$/

/** What an editor should know of what a file tells, most important first and each thing once. */
export function findingsIn(rows: string): Finding[] {
  const found = new Map<string, Finding>()
  for (const row of z.array(FindingRow).parse(JSON.parse(rows)).filter(isTelling)) {
    const group = groupOf(row)
    if (!group) continue
    const finding = { group, name: wordsOf(row.name), value: plainValue(row.value) }
    found.set(`${group} ${finding.name} ${finding.value}`, finding)
  }
  return [...found.values()]
}

function isTelling({ place, value }: FindingRow): boolean {
  return !ofNoMatter.test(place) && !empty.test(value.trim())
}

function groupOf({ name, about }: FindingRow): FindingGroup | undefined {
  const named = byName.find(([pattern]) => pattern.test(name))?.[1]
  if (named === 'other') return undefined
  return named ?? byAbout[about] ?? (telling.test(name) ? 'other' : undefined)
}

/** `GPSLatitudeRef` in words. */
function wordsOf(name: string): string {
  return name
    .replace(/([a-z\d])([A-Z])|([A-Z])(?=[A-Z][a-z])/g, '$1$3 $2')
    .replace(/^./, (first) => first.toUpperCase())
}

function plainValue(value: string): string {
  return value.startsWith('(Binary data') ? 'in it' : value
}
