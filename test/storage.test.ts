import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { v7 as newId } from 'uuid'
import type { NewRecord } from '../src/record.ts'
import { openStorage, type Storage } from '../src/storage/storage.ts'
import { openNewsroom } from './support/newsroom.ts'
import { photoUpdate, png, tip } from './support/pieces.ts'
import { type Cluster, postgresPrograms, startCluster } from './support/postgres.ts'

let made = 0

function newRecord(more: Partial<NewRecord> = {}): NewRecord {
  made += 1
  return {
    arrival: { source: 'contract', key: `key-${made}`, digest: 'd' },
    submissionId: newId(),
    submission: { reference: `R-${made}`, receiptHash: `hash-${made}`, kind: 'news-tip', channel: 'form' },
    messageId: newId(),
    content: { fields: { body: `Words ${made} 🎉 é سلام` }, files: {} },
    attachments: [],
    deliveries: [{ purpose: 'sender-receipt', target: 'a@b.test' }],
    at: 1_790_000_000_000 + made,
    ...more,
  }
}

/** Opens and uses the database in a process of its own. */
async function openInProcess(url: string): Promise<void> {
  const module = new URL('../src/storage/storage.ts', import.meta.url)
  const program = `import { openStorage } from '${module}'; const storage = await openStorage(process.argv[1], Date.now); await storage.check(); await storage.close()`
  await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program, url])
}

/** One suite for both databases: what the program may rely on. */
function contract(name: string, options: { skip?: string }, makeUrl: () => Promise<string>): void {
  describe(`storage on ${name}`, options, () => {
    let url: string
    let storage: Storage
    before(async () => {
      url = await makeUrl()
      storage = await openStorage(url, Date.now)
    })
    after(() => storage.close())

    test('two programs that open it at the same moment migrate it once', async () => {
      const fresh = await makeUrl()
      await Promise.all([1, 2, 3].map(() => openInProcess(fresh)))
    })

    test('a record comes back as it was written, times as numbers', async () => {
      const attachment = { id: newId(), size: 5_000_000_000, type: 'image/png', sha256: 'x' }
      const one = newRecord({ attachments: [attachment] })
      const [outcome] = await storage.record([one])
      assert.deepEqual(outcome, {
        repeat: false,
        submissionId: one.submissionId,
        reference: one.submission?.reference,
        digest: 'd',
      })
      const submission = await storage.submissions.byReference(one.submission?.reference ?? '')
      assert.deepEqual(submission, {
        id: one.submissionId,
        reference: one.submission?.reference,
        kind: 'news-tip',
        channel: 'form',
        state: 'waiting',
        createdAt: one.at,
        updatedAt: one.at,
      })
      const [message] = await storage.submissions.conversation(one.submissionId)
      assert.deepEqual(message?.content, one.content)
      assert.deepEqual(
        message?.attachments.map(({ id, state, size, type }) => ({ id, state, size, type })),
        [{ id: attachment.id, state: 'kept', size: 5_000_000_000, type: 'image/png' }],
      )
      assert.deepEqual(await storage.submissions.byReceiptHash(one.submission?.receiptHash ?? ''), submission)
    })

    test('a repeat is known within a commit, in another, and at the same moment from two connections', async () => {
      const first = newRecord()
      const again = { ...newRecord(), arrival: { ...first.arrival, digest: 'other' } }
      const outcomes = await storage.record([first, again])
      assert.deepEqual(
        outcomes.map((one) => 'repeat' in one && [one.repeat, one.submissionId, one.reference, one.digest]),
        [
          [false, first.submissionId, first.submission?.reference, 'd'],
          [true, first.submissionId, first.submission?.reference, 'd'],
        ],
      )
      const arrivals = Array.from({ length: 10 }, () => newRecord().arrival)
      // SQLite has one process and one connection; group commits of several requests come one after the other.
      const second = name === 'SQLite' ? storage : await openStorage(url, Date.now)
      const races = await Promise.all(
        [storage, second, storage, second].map((one, i) =>
          one.record(
            (i % 2 ? arrivals : arrivals.toReversed()).map((arrival) => ({ ...newRecord(), arrival })),
          ),
        ),
      )
      if (second !== storage) await second.close()
      const fresh = races.flat().filter((one) => 'repeat' in one && !one.repeat)
      assert.equal(fresh.length, arrivals.length)
      assert.ok(races.flat().every((one) => !('error' in one)))
    })

    test('one bad record does not fail its neighbours', async () => {
      const [a, bad, b] = [newRecord(), newRecord(), newRecord()]
      bad.messageId = a.messageId
      const outcomes = await storage.record([a, bad, b])
      assert.deepEqual(
        outcomes.map((one) => 'error' in one),
        [false, true, false],
      )
      assert.equal(await storage.submissions.byId(bad.submissionId), undefined)
      assert.ok(await storage.submissions.byId(b.submissionId))
      // Nothing of it is left, so the sender can send it again.
      const repaired = { ...bad, messageId: newId() }
      assert.deepEqual(
        (await storage.record([repaired])).map((one) => 'repeat' in one && one.repeat),
        [false],
      )
    })

    test('a reference that is taken gives way to another', async () => {
      const first = newRecord()
      const second = newRecord()
      assert.ok(first.submission && second.submission)
      second.submission.reference = first.submission.reference
      const outcomes = await storage.record([first, second])
      const references = outcomes.map((one) => 'reference' in one && one.reference)
      assert.equal(references[0], first.submission.reference)
      assert.match(String(references[1]), /^[\dA-Z]{4}-[\dA-Z]{4}$/)
    })

    test('a further message joins its submission', async () => {
      const first = newRecord()
      await storage.record([first])
      const { submission: _, ...further } = newRecord({ submissionId: first.submissionId })
      await storage.record([further])
      const messages = await storage.submissions.conversation(first.submissionId)
      assert.deepEqual(
        messages.map((message) => message.id),
        [first.messageId, further.messageId],
      )
      assert.equal((await storage.submissions.byId(first.submissionId))?.updatedAt, further.at)
      assert.equal((await storage.submissions.opening(first.submissionId))?.id, first.messageId)
    })

    test('pages go by key, newest first, and miss nothing', async () => {
      const records = Array.from({ length: 7 }, () => newRecord())
      await storage.record(records)
      const seen: string[] = []
      for (let after: string | undefined; ; ) {
        const page = await storage.submissions.page(3, after)
        seen.push(...page.map((submission) => submission.id))
        after = page.at(-1)?.id
        if (page.length < 3) break
      }
      assert.deepEqual(seen.slice(0, 7), records.map((one) => one.submissionId).toReversed())
      assert.equal(new Set(seen).size, seen.length)
    })

    test('a delivery is leased by one worker at a time, settled, and forgets what it need not know', async () => {
      const one = newRecord()
      await storage.record([one])
      const now = Date.now() + 1000
      const all = await Promise.all(
        ['w1', 'w2'].map((lease) => storage.deliveries.lease('mail', lease, 1000, now, now + 5000)),
      )
      const leased = all.flat()
      assert.equal(new Set(leased.map((delivery) => delivery.id)).size, leased.length, 'leased twice')
      const mine = leased.find((delivery) => delivery.submissionId === one.submissionId)
      assert.deepEqual(
        { attempts: mine?.attempts, target: mine?.target },
        { attempts: 1, target: 'a@b.test' },
      )
      assert.deepEqual(await storage.deliveries.lease('mail', 'w3', 1000, now, now + 5000), [])
      await storage.deliveries.settle([
        { id: mine?.id ?? '', state: 'pending', dueAt: now + 100, fault: 'put-off' },
      ])
      assert.equal(await storage.deliveries.nextDueAt('mail'), now + 100)
      const [again] = await storage.deliveries.lease('mail', 'w3', 1000, now + 200, now + 5000)
      assert.deepEqual([again?.id, again?.attempts, again?.fault], [mine?.id, 2, 'put-off'])
      await storage.deliveries.release('w3')
      assert.equal(
        (await storage.deliveries.lease('mail', 'w4', 1000, now + 200, now + 5000))[0]?.attempts,
        2,
      )
      await storage.deliveries.settle([{ id: mine?.id ?? '', state: 'sent', at: now }])
      const [sent] = await storage.deliveries.ofSubmission(one.submissionId)
      assert.deepEqual([sent?.state, sent?.target, sent?.doneAt], ['sent', null, now])
    })

    test('editors are made once, and may come back', async () => {
      assert.equal(
        (await storage.editors.addFirst(['A@news.test', 'a@news.test', 'b@news.test'], 1)).length,
        2,
      )
      assert.deepEqual(await storage.editors.addFirst(['c@news.test'], 1), [])
      assert.ok(await storage.editors.remove('B@news.test', 2))
      assert.deepEqual(
        (await storage.editors.active()).map((one) => one.email),
        ['a@news.test'],
      )
      await storage.editors.add('b@news.test', 3)
      assert.equal((await storage.editors.active()).length, 2)
    })
  })
}

const folder = mkdtempSync(join(tmpdir(), 'barua-storage-'))
after(() => rmSync(folder, { recursive: true, force: true }))
let databases = 0
contract('SQLite', {}, async () => `sqlite:${folder}/${++databases}.db`)

const programs = postgresPrograms()
const skip = programs ? {} : { skip: 'PostgreSQL is not installed: apt-get install postgresql' }
let cluster: Cluster | undefined
async function postgresUrl(): Promise<string> {
  cluster ??= await startCluster(programs as string)
  return cluster.url(`barua${++databases}`)
}
after(() => cluster?.stop())
contract('PostgreSQL', skip, postgresUrl)

test('the whole product runs on PostgreSQL', skip, async (t) => {
  const newsroom = await openNewsroom(t, { DATABASE_URL: await postgresUrl() })
  const fields = { ...tip(), nonce: await newsroom.nonce() }
  const file = { name: 'gate.png', content: png() }
  const sent = await Promise.all([1, 2, 3].map(() => newsroom.submit('news-tip', fields, [file])))
  assert.deepEqual(sent[2], sent[0])
  newsroom.telegram.files.set('photo', png())
  await newsroom.receiveUpdate(photoUpdate(1, 'photo', 'From the chat')).expect(200)
  await newsroom.workOff()
  assert.equal(await newsroom.submissionCount(), 2)
  assert.equal(newsroom.mailServer.mails.length, 3)
  assert.equal((await newsroom.storedFiles()).length, 2)
  assert.ok((await newsroom.deskPage('/desk')).includes(tip().title))
})
