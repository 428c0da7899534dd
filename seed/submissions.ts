// Made-up words for made-up pieces. Every draw comes from a generator that is given, so a seed makes the same desk again.

import type { Channel, Kind } from '../src/db/values.ts'
import type { Fields } from '../src/submissions/model.ts'

export type Random = () => number

const names = [
  'Amina Mwangi',
  'Juma Otieno',
  'Leïla Ben Salah',
  'Tomás Ferreira',
  'Wanjiku Njoroge',
  'Øyvind Ås',
  'Siti Rahayu',
  'Anna Kowalska',
  'Kofi Mensah',
  'Mei Tanaka',
  'Zuzana Dvořáková',
  'Paul Achieng',
]
const places = [
  'the harbour',
  'the old mill',
  'the market',
  'the county depot',
  'the lower bridge',
  'Ward Seven',
  'the teachers’ college',
  'the bus park',
  'the river bank',
  'the clinic on Hill Road',
]
const subjects = [
  'the water meters',
  'a road that was paid for twice',
  'the night shift',
  'the school kitchen',
  'fuel without papers',
  'the last typewriter mender',
  'the missing trees',
  'a choir of forty',
  'the new ticket price',
  'the flood maps',
  'the boats that do not sail',
  'a library in a container',
]
const openings = [
  'Nobody asks about',
  'For thirty years we have lived with',
  'On Friday night I saw what happens to',
  'There is a story to be told about',
  'My mother worked all her life beside',
  'The papers say nothing of',
]
const sentences = [
  'The first time I went there, the gate was open and the guard asleep.',
  'People had told me that it would be finished before the rains; the rains have come and gone twice.',
  'There are receipts, and there are those who signed them.',
  'It is not a large thing, but it is our thing, and it is being taken away.',
  'I counted eleven lorries between midnight and four.',
  'When the council met, the matter was moved to the end, and then to the next meeting.',
  'A girl of twelve can do it by now, and she is teaching her brother.',
  'What they call a pilot has been running for six years.',
  'I have kept the letters, and so have my neighbours.',
  'None of this would be hard to put right.',
  'The figures were on the wall of the office until somebody took them down.',
  'Ask anyone who waits for the first bus.',
]
const headings = ['## What was promised', '## What came of it', '## What could be done']
const tags = [
  'water',
  'transport',
  'county council',
  'follow up',
  'photo desk',
  'school',
  'legal check',
  'weekend',
]
const answers = [
  'Thank you for this. Could you tell us when you saw it last?',
  'We have read it with interest. May we call you this week?',
  'We need the dates in the third paragraph. Can you check them?',
]
const notes = [
  'Rang the county office: no comment until Monday.',
  'The second picture is from an agency, do not use.',
  'Good, but we had the same angle in May.',
]
const further = [
  'One more thing: the guard’s name is on the roster of the second week.',
  'I found the letter. It is dated the fourth.',
  'Please do not use my name.',
]

export const chance = (random: Random, share: number) => random() < share

export function pick<T>(random: Random, from: readonly T[]): T {
  return from[Math.floor(random() * from.length)] as T
}

export const tag = (random: Random) => pick(random, tags)
export const answerText = (random: Random) => pick(random, answers)
export const noteText = (random: Random) => pick(random, notes)
export const furtherText = (random: Random) => pick(random, further)

/** What a sender could have written. */
export function fieldsOf(random: Random, kind: Kind, channel: Channel): Fields {
  const name = pick(random, names)
  const subject = pick(random, subjects)
  const email = `${name
    .normalize('NFKD')
    .replace(/[^A-Za-z ]/g, '')
    .toLowerCase()
    .replaceAll(' ', '.')}@example.org`
  const isConfidential = kind === 'expose' || kind === 'news-tip'
  const title = `${capital(subject)} at ${pick(random, places)}`
  const common = {
    ...((!isConfidential || chance(random, 0.5)) && channel !== 'telegram' && { title }),
    body: body(random, kind, subject),
    ...(chance(random, isConfidential ? 0.4 : 0.9) && { name }),
    ...(chance(random, isConfidential ? 0.2 : 0.9) && channel !== 'telegram' && { email }),
  }
  if (kind === 'guest-post') {
    return {
      ...common,
      title,
      email,
      standfirst: `What ${subject} tells us about the town we are going to be.`,
      byline: name,
      bio: `${name} lives and works near ${pick(random, places)}.`,
      consent: 'yes',
    }
  }
  if (!isConfidential) return common
  return {
    ...common,
    place: capital(pick(random, places)),
    when: 'Since June',
    evidence: pick(random, sentences),
  }
}

function body(random: Random, kind: Kind, subject: string): string {
  const paragraphs = kind === 'guest-post' ? 9 : 1 + Math.floor(random() * 3)
  const said = Array.from({ length: paragraphs }, (_, i) => {
    const words = Array.from({ length: 3 }, () => pick(random, sentences)).join(' ')
    const heading = kind === 'guest-post' && i % 3 === 2 ? `${headings[Math.floor(i / 3)]}\n\n` : ''
    return i === 0 ? `${pick(random, openings)} ${subject}. ${words}` : heading + words
  })
  return said.join('\n\n')
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
