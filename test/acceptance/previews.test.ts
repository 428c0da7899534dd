import assert from 'node:assert/strict'
import { test } from 'node:test'
import sharp from 'sharp'
import { openNewsroom } from '../support/newsroom.ts'
import { onePagePdf, storyAngle } from '../support/submissions.ts'

const exif = {
  IFD0: { Copyright: 'Canary owner' },
  IFD3: { GPSLatitude: '1/1 2/1 3/1', GPSLatitudeRef: 'N' },
}

async function photo(): Promise<Buffer> {
  const picture = sharp({ create: { width: 1600, height: 1000, channels: 3, background: '#446688' } })
  return picture
    .jpeg()
    .withExif(exif)
    .withMetadata({ orientation: 6 })
    .withExif({ ...exif })
    .toBuffer()
}

test('of a picture a small one is made, turned upright and without what its metadata tells', async (t) => {
  const newsroom = await openNewsroom(t)
  const original = await photo()
  assert.ok(original.includes('Canary owner'))
  const { reference } = await newsroom.submit('story-angle', storyAngle(), [
    { name: 'a.jpg', content: original },
  ])
  const before = await newsroom.deskPage(`/desk/submissions/${reference}`)
  assert.ok(!before.includes('/picture'), 'never from the web request')
  await newsroom.workOff()
  const page = await newsroom.deskPage(`/desk/submissions/${reference}`)
  const path = /src="(\/desk\/attachments\/[\w-]+\/picture)"/.exec(page)?.[1] ?? ''
  const cookie = await newsroom.signIn()
  const { body, headers } = await newsroom.http().get(path).set('cookie', cookie).expect(200)
  assert.equal(headers['content-type'], 'image/webp')
  assert.match(headers['content-security-policy'] ?? '', /sandbox/)
  const { width, height, exif: kept, orientation } = await sharp(body).metadata()
  assert.ok(Math.max(width, height) <= 960 && body.length < original.length)
  assert.deepEqual([kept, orientation], [undefined, undefined])
  assert.ok(!body.includes('Canary'))
})

test('a picture that cannot be read has no preview, and holds up nothing', async (t) => {
  const newsroom = await openNewsroom(t)
  const broken = (await photo()).subarray(0, 2000)
  const bomb = await sharp({ create: { width: 16_000, height: 16_000, channels: 3, background: 'red' } })
    .png({ compressionLevel: 9 })
    .toBuffer()
  const { reference } = await newsroom.submit('story-angle', storyAngle(), [
    { name: 'broken.jpg', content: broken },
    { name: 'bomb.png', content: bomb },
    { name: 'good.jpg', content: await photo() },
  ])
  await newsroom.workOff()
  const page = await newsroom.deskPage(`/desk/submissions/${reference}`)
  assert.equal(page.match(/<img /g)?.length, 1)
  assert.ok(!page.includes('failed'))
  assert.equal((await newsroom.storedFiles()).length, 4)
})

test('text and the words of a PDF can be looked at here, as text', async (t) => {
  const newsroom = await openNewsroom(t)
  const hostile = 'Day,Plate\n<script>alert(1)</script>,KXX 1\n'
  const { reference } = await newsroom.submit('story-angle', storyAngle(), [
    { name: 'plates.csv', content: hostile },
    { name: 'letter.pdf', content: onePagePdf('The bridge (1994) & <b>its</b> keeper') },
    { name: 'old.txt', content: Buffer.from('Der Müller', 'latin1') },
  ])
  await newsroom.workOff()
  const page = await newsroom.deskPage(`/desk/submissions/${reference}`)
  const paths = [...page.matchAll(/href="(\/desk\/attachments\/[\w-]+\/words)"/g)].map(
    (found) => found[1] as string,
  )
  assert.equal(paths.length, 3)
  const [csv = '', pdf = '', old = ''] = await Promise.all(paths.map((path) => newsroom.deskPage(path)))
  assert.ok(csv.includes('&lt;script&gt;alert(1)&lt;/script&gt;,KXX 1'))
  assert.ok(pdf.includes('The bridge (1994) &amp; &lt;b&gt;its&lt;/b&gt; keeper'), pdf)
  assert.ok(old.includes('Der Müller'))
})

test('what has no preview is not shown as one', async (t) => {
  const newsroom = await openNewsroom(t)
  const { reference } = await newsroom.submit('story-angle', storyAngle(), [
    { name: 'a.jpg', content: await photo() },
    { name: 'a.txt', content: 'words' },
  ])
  await newsroom.workOff()
  const page = await newsroom.deskPage(`/desk/submissions/${reference}`)
  const [picture, words] = [...page.matchAll(/href="(\/desk\/attachments\/[\w-]+)"/g)]
    .map((found) => found[1])
    .filter((path, i, all) => all.indexOf(path) === i)
  const cookie = await newsroom.signIn()
  const status = async (path: string) => (await newsroom.http().get(path).set('cookie', cookie)).status
  assert.deepEqual([await status(`${picture}/picture`), await status(`${picture}/words`)], [200, 404])
  assert.deepEqual([await status(`${words}/picture`), await status(`${words}/words`)], [404, 200])
})
