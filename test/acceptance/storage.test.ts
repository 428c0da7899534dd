import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { CompiledQuery } from 'kysely'
import type { Editor } from '../../src/accounts/editor.ts'
import { defaultPolicy } from '../../src/accounts/notification-policy.ts'
import { openStorage, type Storage } from '../../src/app/stores.ts'
import { verifyAuditLog } from '../../src/audit/log.ts'
import type { NewDraftItem } from '../../src/channels/chat/draft.ts'
import type { ReEncryptionPlace } from '../../src/confidentiality/re-encryption-store.ts'
import { Failure } from '../../src/core/errors.ts'
import { newId as idAt, minuteOf } from '../../src/core/ids.ts'
import { type Database, openDatabase } from '../../src/db/open.ts'
import { recipientOf } from '../../src/encryption/age-x25519.ts'
import type { DuePage } from '../../src/retention/store.ts'
import type { Filter, Page } from '../../src/submissions/inbox.ts'
import type { NewRecord, NewSubmission } from '../../src/submissions/intake-record.ts'
import type { ScanPlace } from '../../src/submissions/keyset-scan-store.ts'
import { newReceipt } from '../../src/submissions/receipt.ts'
import { receiptIdentity } from '../../src/submissions/receipt-key.ts'
import { defaultRetention, type RetentionRules } from '../../src/submissions/retention-rules.ts'
import { readTerms } from '../../src/submissions/search-query.ts'
import { removeEditor } from '../support/accounts.ts'
import { compose, inboundMail, replyTo } from '../support/mail.ts'
import { editorAddress, openNewsroom } from '../support/newsroom.ts'
import { type Cluster, postgresPrograms, startCluster } from '../support/postgres.ts'
import { newIdentity, storageParts } from '../support/storage.ts'
import { photoUpdate, png, tip } from '../support/submissions.ts'

let made = 0
const newId = () => idAt(Date.now())

function newRecord(more: Partial<NewRecord> = {}): NewRecord {
  made += 1
  return {
    idempotencyKey: { source: 'contract', key: `key-${made}`, digest: 'd' },
    submissionId: newId(),
    submission: {
      reference: `R-${made}`,
      receiptHash: `hash-${made}`,
      kind: 'news-tip',
      channel: 'form',
      summary: { title: `Title ${made}`, sender: undefined, attachments: 0 },
      senders: [],
      isConfidential: true,
      contextId: `bond-${made}`,
      senderRecipient: recipientOf(receiptIdentity(newReceipt())),
    },
    author: 'sender',
    messageId: newId(),
    content: { fields: { body: `Words ${made} 🎉 é سلام` }, files: {} },
    attachments: [],
    jobs: [{ type: 'sender-receipt', target: 'a@b.test' }],
    at: 1_790_000_000_000 + made,
    ...more,
  }
}

function refused(error: unknown): string {
  return error instanceof Failure ? error.code : assert.fail(String(error))
}

/** What a chat says in reply to a submission. */
function reply(joins: string, at: number): NewDraftItem {
  made += 1
  return {
    update: { bot: 'b', key: `u-${made}` },
    chat: { key: `chat-${made}`, target: '7' },
    item: {
      messageId: 1,
      album: null,
      field: null,
      sort: 'message',
      words: 'A reply.',
      files: [],
      sender: { chatId: 7, messageId: 1 },
      editedAt: 0,
    },
    joins,
    kind: 'news-tip',
    at,
  }
}

/** Opens and uses the database in a process of its own. */
async function openInProcess(url: string): Promise<void> {
  const module = new URL('../../src/app/stores.ts', import.meta.url)
  const parts = new URL('../support/storage.ts', import.meta.url)
  const program = `import { openStorage } from '${module}'; import { storageParts } from '${parts}'; const storage = await openStorage(process.argv[1], storageParts()); await storage.installation.isNew(); await storage.close()`
  await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program, url])
}

/** One suite for both databases: what the program may rely on. */
function contract(name: string, options: { skip?: string }, makeUrl: () => Promise<string>): void {
  describe(`storage on ${name}`, options, () => {
    const identity = newIdentity()
    const keys = async () => [identity]
    const parts = { ...storageParts(), offline: recipientOf(identity) }
    let url: string
    let storage: Storage
    before(async () => {
      url = await makeUrl()
      storage = await openStorage(url, parts)
    })
    after(() => storage.close())

    test('two programs that open it at the same moment migrate it once', async () => {
      const fresh = await makeUrl()
      await Promise.all([1, 2, 3].map(() => openInProcess(fresh)))
    })

    test('a record comes back as it was written, times as numbers', async () => {
      const desk = recipientOf(identity)
      const attachment = { id: newId(), size: 5_000_000_000, type: 'image/png', sha256: 'x', mark: 'm', desk }
      const one = newRecord({ attachments: [attachment] })
      const [outcome] = await storage.record([one])
      assert.deepEqual(outcome, {
        repeat: false,
        submissionId: one.submissionId,
        reference: one.submission?.reference,
        digest: 'd',
        isConfidential: one.submission?.isConfidential,
        isUnmailed: false,
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
        heardAt: one.at,
        revision: 1,
        assigneeId: null,
        moved: null,
        spamBefore: false,
        isConfidential: true,
        activeAt: one.at,
        warnedAt: null,
        legalHold: false,
        senderLeftAt: null,
      })
      const [message] = await storage.submissions.conversation(one.submissionId, keys)
      assert.deepEqual(message?.content, one.content)
      assert.deepEqual(
        message?.attachments.map(({ id, state, size, type }) => ({ id, state, size, type })),
        [{ id: attachment.id, state: 'kept', size: 5_000_000_000, type: 'image/png' }],
      )
      assert.deepEqual(await storage.submissions.byReceiptHash(one.submission?.receiptHash ?? ''), submission)
    })

    test('a file that is not sealed, or for an earlier key, is not recorded in a sealed piece, and fails alone', async () => {
      const clear = { id: newId(), size: 5, type: 'image/png', sha256: 'x' }
      const before = { ...clear, id: newId(), mark: 'm', desk: recipientOf(newIdentity()) }
      const outcomes = await storage.record([
        newRecord(),
        newRecord({ attachments: [clear] }),
        newRecord({ attachments: [before] }),
        newRecord(),
      ])
      assert.deepEqual(
        outcomes.map((one) => 'error' in one),
        [false, true, true, false],
      )
    })

    test('a repeat is known within a commit, in another, and at the same moment from two connections', async () => {
      const first = newRecord()
      const again = { ...newRecord(), idempotencyKey: { ...first.idempotencyKey, digest: 'other' } }
      const outcomes = await storage.record([first, again])
      assert.deepEqual(
        outcomes.map((one) => 'repeat' in one && [one.repeat, one.submissionId, one.reference, one.digest]),
        [
          [false, first.submissionId, first.submission?.reference, 'd'],
          [true, first.submissionId, first.submission?.reference, 'd'],
        ],
      )
      const idempotency_keys = Array.from({ length: 10 }, () => newRecord().idempotencyKey)
      // SQLite has one process and one connection; group commits of several requests come one after the other.
      const second = name === 'SQLite' ? storage : await openStorage(url, parts)
      const races = await Promise.all(
        [storage, second, storage, second].map((one, i) =>
          one.record(
            (i % 2 ? idempotency_keys : idempotency_keys.toReversed()).map((idempotencyKey) => ({
              ...newRecord(),
              idempotencyKey,
            })),
          ),
        ),
      )
      if (second !== storage) await second.close()
      const fresh = races.flat().filter((one) => 'repeat' in one && !one.repeat)
      assert.equal(fresh.length, idempotency_keys.length)
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
      const messages = await storage.submissions.conversation(first.submissionId, keys)
      assert.deepEqual(
        messages.map((message) => message.id),
        [first.messageId, further.messageId],
      )
      assert.equal((await storage.submissions.byId(first.submissionId))?.updatedAt, further.at)
      assert.equal((await storage.submissions.opening(first.submissionId, keys))?.id, first.messageId)
    })

    test('pages go by key, newest first, and miss nothing', async () => {
      const records = Array.from({ length: 7 }, () => newRecord())
      await storage.record(records)
      const seen: string[] = []
      for (let after: string | undefined; ; ) {
        const page = await storage.inbox.page({ filter: {}, size: 3, after, editorId: '' })
        seen.push(...page.rows.map((submission) => submission.id))
        after = page.next
        if (after === undefined) break
      }
      assert.deepEqual(seen.slice(0, 7), records.map((one) => one.submissionId).toReversed())
      assert.equal(new Set(seen).size, seen.length)
    })

    test('a delivery is leased by one worker at a time, settled, and forgets what it need not know', async () => {
      const one = newRecord()
      await storage.record([one])
      const now = Date.now() + 1000
      const { leases, jobs } = storage
      for (const id of ['w1', 'w2', 'w3', 'w4']) await leases.begin(id)
      const lease = (id: string, at = now, lanes: string[] = []) =>
        jobs.lease('mail', id, { count: 1000, now: at, lanes })
      const all = await Promise.all(
        ['w1', 'w2'].map(async (id) => ((await lease(id)) ?? []).map((job) => ({ id, job }))),
      )
      const leased = all.flat()
      assert.equal(new Set(leased.map(({ job }) => job.id)).size, leased.length, 'leased twice')
      const mine = leased.find(({ job }) => job.submissionId === one.submissionId)
      assert.deepEqual(
        { attempts: mine?.job.attempts, target: mine?.job.target },
        { attempts: 1, target: 'a@b.test' },
      )
      const id = mine?.job.id ?? ''
      assert.deepEqual(await lease('w3'), [])
      assert.equal(await lease('unknown'), undefined)
      const putOff = { id, state: 'pending' as const, at: now, dueAt: now + 100, errorCode: 'put-off' }
      assert.deepEqual(await jobs.settle([{ ...putOff, lease: 'w3' }]), [false])
      assert.deepEqual(await jobs.settle([{ ...putOff, lease: mine?.id ?? '' }]), [true])
      // Told again, where it was not known whether it was written.
      assert.deepEqual(await jobs.settle([{ ...putOff, lease: mine?.id ?? '' }]), [true])
      assert.equal((await jobs.attempts([id])).length, 1)
      assert.equal(await jobs.nextDueAt('mail'), now + 100)
      const [again] = (await lease('w3', now + 200)) ?? []
      assert.deepEqual([again?.id, again?.attempts, again?.errorCode], [id, 2, 'put-off'])
      await leases.giveUp('w3')
      assert.equal(await lease('w3', now + 200), undefined)
      assert.equal((await lease('w4', now + 200))?.[0]?.attempts, 2)
      // There was no room in its lane: it is passed over as long as that is full.
      await jobs.putBack('w4', [{ id, lane: 'b.test' }])
      assert.deepEqual(await lease('w4', now + 200, ['b.test']), [])
      assert.equal(await jobs.nextDueAt('mail', ['b.test']), undefined)
      assert.equal((await lease('w4', now + 200, ['c.test']))?.[0]?.attempts, 2)
      // A process that died: its lease is not renewed any more.
      assert.equal(await leases.end({ id: 'w4', renewals: 7 }), false)
      assert.equal(await leases.end({ id: 'w4', renewals: 0 }), true)
      assert.equal(await leases.renew('w4'), false)
      assert.equal((await lease('w2', now + 200))?.[0]?.attempts, 3)
      // Another has it in hand now: the verdict of whoever lost it is not written. It is once nobody has.
      assert.deepEqual(await jobs.settle([{ id, state: 'sent', at: now, lease: 'w4' }]), [false])
      await jobs.giveBack('w2', 'mail', [])
      assert.deepEqual(await jobs.settle([{ id, state: 'failed', at: now, errorCode: 'x', lease: 'w4' }]), [
        false,
      ])
      assert.deepEqual(await jobs.settle([{ id, state: 'sent', at: now, lease: 'w4' }]), [true])
      const [sent] = await storage.jobs.ofSubmission(one.submissionId)
      // To the minute: it would tell when a source wrote.
      assert.deepEqual([sent?.state, sent?.target, sent?.doneAt], ['sent', null, minuteOf(now)])
      assert.equal((sent?.createdAt ?? 1) % 60_000, 0)
    })

    test('an editor’s change is written with its history, on top of the revision it was made on, or not at all', async () => {
      const one = newRecord()
      await storage.record([one])
      const editorId = newId()
      const message = { id: newId(), body: 'An answer', visibleAt: one.at + 10_005 }
      const change = {
        submissionId: one.submissionId,
        revision: 1,
        editorId,
        at: one.at + 5,
        set: {
          state: 'in-review' as const,
          assigneeId: editorId,
          moved: { from: 'waiting' as const, at: one.at + 5, visibleAt: one.at + 10_005 },
        },
        addTags: ['weekend'],
        message,
        note: { body: 'A note' },
        jobs: [{ type: 'answer-mail' as const, messageId: message.id, dueAt: one.at + 10_005 }],
        entries: [{ action: 'noted' as const }, { action: 'moved' as const, detail: 'waiting in-review' }],
      }
      const changed = await storage.work.apply(change)
      assert.deepEqual([changed.revision, changed.state, changed.assigneeId], [2, 'in-review', editorId])
      await assert.rejects(
        storage.work.apply({ ...change, message: { ...message, id: newId(), body: 'x' } }),
        {
          code: 'conflict',
        },
      )
      assert.equal((await storage.submissions.conversation(one.submissionId, keys)).length, 2)
      assert.deepEqual(
        (await storage.notes.of(one.submissionId, keys)).map((note) => note.body),
        ['A note'],
      )
      assert.deepEqual(
        (await storage.history.of(one.submissionId)).map((entry) => entry.action),
        ['noted', 'moved'],
      )
      const act = await storage.work.lastAct(one.submissionId, editorId, one.at + 9)
      assert.deepEqual([act?.messageId, act?.movedAt], [message.id, one.at + 5])
      assert.equal(await storage.work.lastAct(one.submissionId, newId(), one.at + 9), undefined)
      await storage.work.takeBack({ ...act, submissionId: one.submissionId, editorId, at: one.at + 9 })
      const back = await storage.submissions.byId(one.submissionId)
      assert.deepEqual([back?.state, back?.moved], ['waiting', null])
      const jobs = await storage.jobs.ofSubmission(one.submissionId)
      assert.ok(jobs.some((d) => d.state === 'dropped' && d.errorCode === 'called-back'))
    })

    test('the history takes no change and no removal', async () => {
      const db = await openDatabase(url)
      for (const statement of ["update history set action = 'noted'", 'delete from history'])
        await assert.rejects(db.executeQuery(CompiledQuery.raw(statement)), /append-only/)
      await db.destroy()
    })

    test('lists are narrowed and searched the same, page by page', async () => {
      const fresh = await openStorage(await makeUrl(), parts)
      const records = Array.from({ length: 40 }, (_, i) => {
        const kind = i % 2 ? ('story-angle' as const) : ('expose' as const)
        const record = newRecord({
          content: { fields: { body: `Zebra number${i} é${i % 4 === 1 ? ' crossing' : ''}` }, files: {} },
        })
        return {
          ...record,
          submission: { ...(record.submission as NewSubmission), kind, isConfidential: i % 2 === 0 },
        }
      })
      await fresh.record(records)
      while ((await fresh.search.index(7)) > 0);
      const all = async (ask: (after: string | undefined) => Promise<Page>) => {
        const seen: string[] = []
        let after: string | undefined
        do {
          const page = await ask(after)
          seen.push(...page.rows.map((row) => row.id))
          after = page.next
        } while (after !== undefined)
        return seen
      }
      const ids = records.map((one) => one.submissionId).toReversed()
      const angles = ids.filter((_, i) => i % 2 === 0)
      const asked = { size: 3, editorId: '' }
      assert.deepEqual(await all((after) => fresh.inbox.page({ ...asked, filter: {}, after })), ids)
      const filter = { kind: 'story-angle' as const, states: ['waiting' as const] }
      assert.deepEqual(await all((after) => fresh.inbox.page({ ...asked, filter, after })), angles)
      const search = (typed: string, more: Filter = {}) =>
        all((after) => fresh.inbox.search({ ...asked, filter: more, terms: readTerms(typed), after }))
      assert.deepEqual(await search('ZEBRA'), angles)
      assert.deepEqual(await search('zebra e'), angles)
      assert.deepEqual(
        await search('"number3 e"'),
        ids.filter((id) => id === records[3]?.submissionId),
      )
      assert.equal((await search('numb*')).length, 20)
      assert.equal((await search('crossing', filter)).length, 10)
      assert.deepEqual(await search('zebra', { states: ['spam'] }), [])
      for (const id of angles.slice(0, 5)) {
        const tagging = { set: {}, addTags: ['weekend'], jobs: [], entries: [] }
        await fresh.work.apply({ ...tagging, submissionId: id, editorId: 'x', at: 1 })
      }
      const tagged = (more: Filter) =>
        all((after) => fresh.inbox.page({ ...asked, filter: { tag: 'weekend', ...more }, after }))
      assert.deepEqual(await tagged({}), angles.slice(0, 5))
      assert.deepEqual(await tagged({ kind: 'expose' }), [])
      assert.deepEqual(await search('zebra', { tag: 'weekend' }), angles.slice(0, 5))
      assert.equal(await fresh.inbox.count(filter, 100), 20)
      assert.equal(await fresh.inbox.count(filter, 7), 7)
      assert.deepEqual(await fresh.inbox.tagNames(), ['weekend'])
      await fresh.close()
    })

    test('a conversation of more words than can be indexed holds up no other', async () => {
      const fresh = await openStorage(await makeUrl(), parts)
      const flood = Array.from({ length: 300_000 }, (_, i) => `w${i.toString(36)}é`).join(' ')
      const [long, short] = [newRecord({ content: { fields: { body: flood }, files: {} } }), newRecord()]
      for (const one of [long, short])
        Object.assign(one.submission as NewSubmission, { kind: 'story-angle', isConfidential: false })
      await fresh.record([long, short])
      while ((await fresh.search.index(25)) > 0);
      const find = async (typed: string) =>
        (await fresh.inbox.search({ filter: {}, size: 9, editorId: '', terms: readTerms(typed) })).rows.length
      assert.deepEqual([await find('words'), await find('w1e')], [1, 1])
      await fresh.close()
    })

    test('tries to sign in at the same moment are all counted', async () => {
      const attempts = await Promise.all(
        Array.from({ length: 9 }, () =>
          storage.attempts.allow('an account', 1000, { most: 5, span: 60_000 }),
        ),
      )
      assert.equal(attempts.filter(Boolean).length, 5)
      assert.equal(await storage.attempts.allow('an account', 61_001, { most: 5, span: 60_000 }), true)
    })

    test('mails: threads are kept by who first had the name, answers are counted, what came back is known', async () => {
      const { mail } = storage
      const one = newRecord({ threads: [{ message: 'm1', address: 'a1' }] })
      const other = newRecord({
        threads: [
          { message: 'm1', address: 'a1' },
          { message: 'm1', address: 'a2' },
        ],
      })
      await storage.record([one])
      await storage.record([other])
      await mail.mark({ message: 'm2', address: 'a1' }, other.submissionId)
      assert.equal(await mail.submissionOf(['m0', 'm1'], 'a1'), one.submissionId)
      assert.equal(await mail.submissionOf(['m1'], 'a2'), other.submissionId)
      assert.equal(await mail.submissionOf(['m2'], 'a2'), undefined)
      assert.equal(await mail.submissionOf([], 'a1'), undefined)
      const day = 86_400_000
      // Two more than may be, in one transaction and in several at once.
      const mailed = () => newRecord({ mailed: 'a9' })
      const outcomes = await Promise.all([
        storage.record([mailed(), mailed()]),
        storage.record([mailed(), newRecord({ mailed: 'a8' })]),
        storage.record([mailed(), mailed()]),
      ])
      const unmailed = outcomes.flat().map((one) => 'isUnmailed' in one && one.isUnmailed)
      assert.equal(unmailed.filter((is) => is).length, 2)
      assert.equal(await storage.forgetting.answers?.(Date.now() + 2 * day, 10), 4)
      await mail.sendCanary('c1', day)
      assert.equal(await mail.canary('c1'), undefined)
      await mail.canaryCame('c1', 'mail', day + 1)
      await mail.canaryCame('c1', 'again', day + 2)
      assert.deepEqual(await mail.canary('c1'), { cameAt: day + 1, way: 'mail' })
    })

    test('what an editor did by a door is done once, also at the same moment', async () => {
      const one = newRecord()
      await storage.record([one])
      const at = one.at + 1
      const clear = { id: newId(), name: 'a.txt', size: 1, type: 'text/plain', sha256: 'x' }
      const file = { ...clear, mark: 'm', desk: recipientOf(identity), fileKey: new Uint8Array(16) }
      const change = {
        submissionId: one.submissionId,
        editorId: newId(),
        at,
        revision: 1,
        set: {},
        message: { id: newId(), body: 'An answer.', files: [file], visibleAt: at },
        jobs: [],
        entries: [{ action: 'answered' as const }],
        idempotencyKey: { source: 'email', key: `door-${newId()}` },
      }
      const notEncrypted = { ...change, message: { ...change.message, files: [clear] } }
      await assert.rejects(storage.work.applyOnce(notEncrypted), { code: 'unavailable', isUndone: true })
      const done = await Promise.all(
        [1, 2, 3].map(() => storage.work.applyOnce(change).catch(() => 'refused')),
      )
      assert.equal(done.filter((outcome) => outcome !== undefined && outcome !== 'refused').length, 1)
      const messages = await storage.submissions.conversation(one.submissionId, keys)
      assert.equal(messages.length, 2)
      assert.equal(messages[1]?.attachments[0]?.id, file.id)
      assert.equal(await storage.work.applyOnce(change), undefined)
    })

    test('an erased piece is gone with its history, and the trail tells of it, in one order', async () => {
      const submissions = [newRecord(), newRecord(), newRecord()]
      await storage.record(submissions)
      const editorId = newId()
      for (const { submissionId, at } of submissions) await storage.attention.open(submissionId, editorId, at)
      const { number } = await storage.audit.head()
      const erase = ({ submissionId: id, at }: NewRecord) =>
        storage.erasures.erase({ id, revision: 1 }, editorId, 'by-hand', at)
      // Also at the same moment, and once each.
      const done = await Promise.all([...submissions, ...submissions].map(erase))
      assert.equal(done.filter((isDone) => isDone).length, 3)
      for (const { submissionId } of submissions) {
        assert.equal(await storage.submissions.byId(submissionId), undefined)
        assert.deepEqual(await storage.history.of(submissionId), [])
      }
      assert.equal((await storage.audit.head()).number, number + 3)
      const result = await verifyAuditLog(storage.audit.all(), await storage.audit.head())
      assert.ok(result.isWhole)
      const db = await openDatabase(url)
      for (const statement of ["update audit_log set action = 'opened'", 'delete from audit_log'])
        await assert.rejects(db.executeQuery(CompiledQuery.raw(statement)), /append-only/)
      await db.destroy()
    })

    test('what is written to a piece while it is erased keeps it, or is refused to come again', async () => {
      for (let round = 0; round < 30; round++) {
        const sent = newRecord()
        await storage.record([sent])
        const { submissionId: id, at } = sent
        const { submission: _, ...further } = newRecord({ submissionId: id })
        const [isErased, [outcome]] = await Promise.all([
          storage.erasures.erase({ id, revision: 1 }, null, 'by-hand', at),
          storage.record([further]),
        ])
        const isKept = (await storage.submissions.byId(id)) !== undefined
        assert.equal(isKept, !isErased)
        if (isKept) assert.equal((await storage.submissions.conversation(id, keys)).length, 2)
        else {
          assert.ok(outcome && 'error' in outcome && outcome.error instanceof Failure, String(outcome))
          assert.deepEqual([outcome.error.code, outcome.error.isUndone], ['unavailable', true])
        }
      }
    })

    describe('work in the background goes step by step', () => {
      const day = 86_400_000
      const submissions = Array.from({ length: 7 }, () => newRecord())
      const ids = submissions.map(({ submissionId }) => submissionId).sort()
      const [first] = submissions
      const at = first?.at ?? 0
      let fresh: Storage
      let db: Database
      before(async () => {
        const freshUrl = await makeUrl()
        fresh = await openStorage(freshUrl, parts)
        db = await openDatabase(freshUrl)
        await fresh.record(submissions)
      })
      after(async () => {
        await db.destroy()
        await fresh.close()
      })

      /** What a walk gives, page by page, and where it has come by then. */
      async function walked(walk: (after: ScanPlace | undefined) => Promise<DuePage>): Promise<string[][]> {
        const pages: string[][] = []
        for (let after: ScanPlace | undefined, goesOn = true; goesOn; goesOn = after !== undefined) {
          const { submissions: page, next } = await walk(after)
          pages.push(page.map(({ id }) => id))
          after = next
        }
        return pages
      }

      test('what is due is warned of once, and again where it is kept for longer', async () => {
        const now = at + 85 * day
        const warn = (rules: RetentionRules, then: number) =>
          fresh.retention.warn(rules, ['an editor'], 3, then)
        assert.equal(await warn(defaultRetention, at + 80 * day), 0)
        const counts = [3, 3, 1, 0]
        for (const count of counts) assert.equal(await warn(defaultRetention, now), count)
        const waiting = await fresh.jobs.page({ state: 'pending', size: 100 })
        assert.equal(waiting.filter(({ type: jobType }) => jobType === 'erasure-warning').length, 1)
        assert.equal(await fresh.retention.isWarning(), true)
        assert.equal((await fresh.retention.soon(defaultRetention, 5)).length, 5)

        const over = (rules: RetentionRules, then: number) =>
          walked((after) => fresh.retention.over(rules, after, 3, then))
        assert.deepEqual(await over(defaultRetention, now + 6 * day), [[]])
        const pages = await over(defaultRetention, now + 8 * day)
        assert.deepEqual(
          pages.map((page) => page.length),
          [3, 3, 1],
        )
        assert.deepEqual(pages.flat().sort(), ids)

        const longer = { ...defaultRetention, 'news-tip': 200 }
        assert.deepEqual((await over(longer, now + 8 * day)).flat(), [])
        assert.deepEqual(await fresh.retention.soon(longer, 5), [])
        assert.equal(await warn(longer, now + 8 * day), 0)
        for (const count of counts) assert.equal(await warn(longer, at + 195 * day), count)
      })

      test('what nobody claimed is brought to the admins, and old spam is found', async () => {
        const admin: Editor = { id: 'an admin', email: '', name: '', role: 'admin', policy: defaultPolicy }
        const [now, soon] = [Date.now(), Date.now() + 3_600_000]
        for (const count of [3, 3, 1, 0])
          assert.equal(await fresh.notices.escalate([admin], soon, 3, now), count)
        assert.deepEqual((await fresh.notices.escalated(now)).map(({ id }) => id).sort(), ids)
        assert.deepEqual(await fresh.notices.escalated(now + 1), [])
        const waiting = await fresh.jobs.page({ state: 'pending', size: 100 })
        assert.equal(waiting.filter(({ type: jobType }) => jobType === 'escalation').length, 1)

        await db.updateTable('submissions').set({ state: 'spam', warned_at: null }).execute()
        const oldSpam = (then: number) =>
          walked((after) => fresh.retention.oldSpam(defaultRetention, after, 3, then))
        assert.deepEqual(await oldSpam(at + 20 * day), [[]])
        const pages = await oldSpam(at + 40 * day)
        assert.deepEqual(
          pages.map((page) => page.length),
          [3, 3, 1],
        )
        assert.deepEqual(pages.flat().sort(), ids)
      })

      test('what is sealed for other keys is found, whatever those are', async () => {
        assert.equal(await fresh.reEncryption.left(100), 0)
        const others = [null, '0 before the desk’s', 'zz behind it']
        for (const [i, id] of ids.entries()) {
          const encrypted_for = others[i % 3] ?? null
          await db.updateTable('submissions').set({ encrypted_for }).where('id', '=', id).execute()
        }
        assert.equal(await fresh.reEncryption.left(100), 7)
        assert.equal(await fresh.reEncryption.left(2), 2)
        const found: string[] = []
        for (let after: ReEncryptionPlace | undefined, goesOn = true; goesOn; ) {
          const page = await fresh.reEncryption.submissions(after, 2)
          found.push(...page.map(({ id }) => id))
          after = page.at(-1)
          goesOn = after !== undefined
        }
        assert.equal(found.length, 7)
        assert.deepEqual(found.sort(), ids)
      })

      test('what is old is forgotten, the oldest first, and nothing else', async () => {
        const now = Date.now()
        const editor = await fresh.editors.add('forgetting@b.test', 'admin', now)
        for (let i = 0; i < 5; i++)
          await fresh.sessions.begin(`session ${i}`, editor.id, null, now - 2 * day + i)
        await fresh.sessions.begin('today’s', editor.id, null, now)
        for (const count of [2, 2, 1, 0]) assert.equal(await fresh.forgetting.sessions?.(now, 2), count)
        assert.ok(await fresh.sessions.seated('today’s', { begunSince: 0, seenSince: 0, now }))
        await fresh.sessions.addLink('old', editor.id, now - 1)
        await fresh.sessions.addLink('new', editor.id, now + 1)
        await fresh.attempts.allow('an account', now - 2 * day, { most: 1, span: day })
        await fresh.mail.sendCanary('a canary', now - 2 * day)
        const forgotten = Object.entries(fresh.forgetting).map(
          async ([what, forget]) => [what, await forget(now, 10)] as const,
        )
        const counts = Object.fromEntries(await Promise.all(forgotten))
        assert.deepEqual(counts, {
          sessions: 0,
          links: 1,
          attempts: 1,
          updates: 0,
          answers: 0,
          canaries: 1,
          chats: 0,
        })
        assert.equal(await fresh.sessions.linkFor('new', now), editor.id)
      })

      test('what is erased while something is being wiped is wiped the next time', async () => {
        const { erasures } = fresh
        const [last = '', ...others] = ids
        const erase = async (id: string) => {
          const sent = await fresh.submissions.byId(id)
          assert.equal(sent && (await erasures.erase(sent, null, 'by-hand', Date.now())), true)
        }
        // No mail is on its way: nobody has one in hand.
        for (const id of others) await erase(id)
        let after = ''
        for (const count of [4, 2]) {
          const begun = await erasures.beginToWipe(after, 4)
          assert.equal(begun.count, count)
          after = begun.last
        }
        await erase(last)
        let from = ''
        for (const count of [4, 3]) {
          const wiped = await erasures.wiped(from, 4)
          assert.equal(wiped.count, count)
          from = wiped.last
        }
        const again = await erasures.beginToWipe('', 4)
        assert.deepEqual([again.count, again.last], [1, last])
      })
    })

    test('a mail that is taken, a reply that comes and a deed that is taken back at the moment of erasing', async () => {
      for (let round = 0; round < 30; round++) {
        const submissions = [newRecord(), newRecord(), newRecord()] as const
        await storage.record([...submissions])
        const [mailed, replied, answered] = submissions.map(({ submissionId }) => submissionId) as [
          string,
          string,
          string,
        ]
        const at = submissions[0].at
        const editorId = newId()
        await storage.work.apply({
          submissionId: answered,
          editorId,
          at,
          set: {},
          message: { id: newId(), body: 'An answer.', visibleAt: at + 10_000 },
          jobs: [],
          entries: [{ action: 'answered' }],
        })
        const erase = async (id: string) => {
          const { revision } = (await storage.submissions.byId(id)) ?? assert.fail('it is not there')
          return storage.erasures.erase({ id, revision }, null, 'by-hand', at).catch(refused)
        }
        const [[isErased, leased], [isGone, taken]] = await Promise.all([
          Promise.all([erase(mailed), storage.jobs.lease('mail', 'w1', { count: 1000, now: at })]),
          Promise.all([erase(replied), storage.drafts.take([reply(replied, at)]).catch(refused)]),
        ])
        const isLeased = leased?.some(({ submissionId }) => submissionId === mailed)
        assert.ok(!(isErased === true && isLeased), 'the mail is written about what has gone')
        assert.ok(!(isGone === true && taken !== 'unavailable'), 'the reply was lost')
        const act = (await storage.work.lastAct(answered, editorId, at)) ?? assert.fail('nothing was done')
        const [, takenBack] = await Promise.all([
          erase(answered),
          storage.work.takeBack(act).then(
            () => 'done',
            (error: Failure) => error.code,
          ),
        ])
        assert.ok(['done', 'conflict'].includes(takenBack), takenBack)
      }
    })

    test('editors are made once, and may come back', async () => {
      assert.equal(
        (await storage.editors.addFirst(['A@news.test', 'a@news.test', 'b@news.test'], 1)).length,
        2,
      )
      assert.deepEqual(await storage.editors.addFirst(['c@news.test'], 1), [])
      await removeEditor(storage, 'B@news.test', 2)
      assert.deepEqual(
        (await storage.editors.active()).map((one) => one.email),
        ['a@news.test'],
      )
      await storage.editors.add('b@news.test', 'editor', 3)
      assert.equal((await storage.editors.active()).length, 2)
    })

    test('a try is counted against every limit, the longest of a day', async () => {
      const limits = [
        { most: 1, span: 1000 },
        { most: 3, span: 86_400_000 },
      ]
      const at = (now: number) => storage.attempts.allow('another account', now, ...limits)
      assert.deepEqual(
        [await at(1000), await at(1500), await at(2001), await at(3002), await at(80_000_000)],
        [true, false, true, true, false],
      )
      assert.equal(await at(86_401_001), true)
    })

    test('codes at the same moment are all counted, up to the most; a reset forgets them', async () => {
      const { factors, editors } = storage
      const { id } = await editors.add('guessed@newsroom.test', 'editor', 1)
      const counts = await Promise.all(Array.from({ length: 9 }, () => factors.countCode(id, 5)))
      assert.deepEqual(counts.filter((count) => count !== undefined).toSorted(), [1, 2, 3, 4, 5])
      assert.equal(await factors.wrongCodes(id), 5)
      await factors.uncountCode(id)
      assert.equal(await factors.countCode(id, 5), 5)
      await factors.setTotp(id, 'sealed', 1, [])
      assert.equal(await factors.wrongCodes(id), 0)
      await factors.countCode(id, 5)
      await storage.keyRing.together((moves) => moves.resetFactors(id))
      assert.equal(await factors.wrongCodes(id), 0)
    })

    test('a delivery that is only seemed to be added is not there', async () => {
      const { jobs, editors } = storage
      const { id } = await editors.add('seeming@newsroom.test', 'editor', 1)
      const mail = { type: 'sign-in', editorId: id, dueAt: 9e12 } as const
      const count = async () =>
        (await jobs.page({ state: 'pending', size: 1000 })).filter(({ editorId }) => editorId === id).length
      await jobs.addOrSeemTo(mail, false, 5000)
      assert.equal(await count(), 0)
      await jobs.addOrSeemTo(mail, true, 5000)
      assert.equal(await count(), 1)
    })

    test('passkeys are kept with the host that they were made for', async () => {
      const { factors, editors, keyRing } = storage
      const { id } = await editors.add('passkeys@newsroom.test', 'editor', 1)
      const made = { editorId: id, publicKey: '', counter: 0, name: '', createdAt: 1 }
      for (const host of [null, 'desk.test'])
        await keyRing.together((moves) => moves.addPasskey({ ...made, id: `of ${host}`, host }))
      assert.deepEqual((await factors.passkeys(id)).map(({ host }) => host).toSorted(), ['desk.test', null])
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
  const newsroom = await openNewsroom(t, { ...inboundMail, DATABASE_URL: await postgresUrl() })
  const fields = { ...tip(), nonce: await newsroom.nonce() }
  const file = { name: 'gate.png', content: png() }
  const sent = await Promise.all([1, 2, 3].map(() => newsroom.submit('news-tip', fields, [file])))
  assert.deepEqual(sent[2], sent[0])
  newsroom.telegram.files.set('photo', png())
  const { photo } = photoUpdate(1, 'photo').message
  const receipt = await newsroom.chat().send({ photo, caption: 'From the chat', media_group_id: 'g' })
  newsroom.telegram.files.set('second', png())
  await newsroom.chat().say({ photo: photoUpdate(2, 'second').message.photo, media_group_id: 'g' })
  await newsroom.workOff()
  assert.equal((await newsroom.status(receipt)).messages[0].files.length, 2)
  assert.equal(await newsroom.submissionCount(), 2)
  assert.equal(newsroom.mailServer.mails.length, 3)
  assert.equal((await newsroom.storedFiles()).length, 3, 'of what is sealed no preview is kept')
  assert.ok((await newsroom.deskPage('/desk')).includes(tip().title))
  const mail = await compose({ to: 'stories@newsroom.test', subject: 'By mail', text: 'A story.' })
  const taken = [1, 2, 3].map(() => newsroom.receiveMail(mail, { to: ['stories@newsroom.test'] }))
  assert.deepEqual((await Promise.all(taken)).toSorted(), ['received', 'repeat', 'repeat'])
  await newsroom.workOff()
  const notice = newsroom.mailsTo(editorAddress).at(-1)
  assert.ok(notice)
  assert.equal(await newsroom.receiveMail(replyTo(notice, 'Tell us more.')), 'done')
  await newsroom.pause(121_000)
  assert.match(newsroom.mailsTo('jane@example.org').at(-1)?.text ?? '', /^Tell us more\./)
})
