/** A reply to a notice as a mail program writes it, in one of its languages. */
export type Shape = {
  name: string
  text: (words: string) => string
  html?: (words: string) => string
}

/** What a program knows of the notice that it quotes. */
export type Quoted = { subject: string; text: string; html: string; at: number }

const [us, address] = ['Barua', 'barua@newsroom.test']
const editor = 'Otto Editor'
const editorMail = 'editor@newsroom.test'

/** Dates as programs write them; the clock of the editor stands in Nairobi. */
function datesOf(at: number) {
  const zone = { timeZone: 'Africa/Nairobi' }
  const format = (locale: string, options: Intl.DateTimeFormatOptions) =>
    new Intl.DateTimeFormat(locale, { ...zone, ...options }).format(at)
  return {
    long: (locale: string) =>
      format(locale, { weekday: 'long', year: 'numeric', month: 'long', day: 'numeric' }),
    medium: (locale: string) =>
      format(locale, { weekday: 'short', year: 'numeric', month: 'short', day: 'numeric' }),
    short: (locale: string) => format(locale, { year: 'numeric', month: '2-digit', day: '2-digit' }),
    time: (locale: string) => format(locale, { hour: '2-digit', minute: '2-digit' }),
    iso: format('sv', { year: 'numeric', month: '2-digit', day: '2-digit' }),
  }
}

type Dates = ReturnType<typeof datesOf>

/** Lines are broken at blanks, as by programs that break at this width. */
function broken(text: string, width: number): string {
  const lines = ['']
  for (const word of text.split(' ')) {
    const line = lines.at(-1) ?? ''
    if (line !== '' && line.length + word.length >= width) lines.push(word)
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`
  }
  return lines.join('\n')
}

const quote = (text: string) => text.replace(/^/gm, '> ')
const escaped = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
const inDivs = (words: string) =>
  words
    .split('\n')
    .map((line) => `<div>${escaped(line) || '<br>'}</div>`)
    .join('')

const gmail: Record<string, (d: Dates) => string> = {
  en: (d) => `On ${d.medium('en-GB')} at ${d.time('en-GB')}, ${us} <${address}> wrote:`,
  sw: (d) => `Mnamo ${d.medium('sw')} saa ${d.time('sw')} asubuhi ${us} <${address}> aliandika:`,
  fr: (d) => `Le ${d.medium('fr')} à ${d.time('fr')}, ${us} <${address}> a écrit :`,
  de: (d) => `Am ${d.medium('de')} um ${d.time('de')} Uhr schrieb ${us} <${address}>:`,
  es: (d) => `El ${d.medium('es')} a las ${d.time('es')}, ${us} (<${address}>) escribió:`,
  pt: (d) => `Em ${d.medium('pt')}, ${d.time('pt')}, ${us} <${address}> escreveu:`,
  it: (d) => `Il giorno ${d.medium('it')} alle ore ${d.time('it')} ${us} <${address}> ha scritto:`,
  nl: (d) => `Op ${d.medium('nl')} om ${d.time('nl')} schreef ${us} <${address}>:`,
  sv: (d) => `Den ${d.medium('sv')} kl ${d.time('sv')} skrev ${us} <${address}>:`,
  da: (d) => `Den ${d.medium('da')} kl. ${d.time('da')} skrev ${us} <${address}>:`,
  nb: (d) => `${d.medium('nb')} kl. ${d.time('nb')} skrev ${us} <${address}>:`,
  fi: (d) => `${d.medium('fi')} klo ${d.time('fi')} ${us} (${address}) kirjoitti:`,
  pl: (d) => `${d.medium('pl')} o ${d.time('pl')} ${us} <${address}> napisał(a):`,
  cs: (d) => `${d.medium('cs')} v ${d.time('cs')} odesílatel ${us} <${address}> napsal:`,
  hu: (d) => `${us} <${address}> ezt írta (időpont: ${d.medium('hu')}, ${d.time('hu')}):`,
  ro: (d) => `În ${d.medium('ro')} la ${d.time('ro')}, ${us} <${address}> a scris:`,
  ru: (d) => `${d.medium('ru')} в ${d.time('ru')}, ${us} <${address}>:`,
  uk: (d) => `${d.medium('uk')} о ${d.time('uk')} ${us} <${address}> пише:`,
  el: (d) => `Στις ${d.medium('el')} στις ${d.time('el')}, ο χρήστης ${us} <${address}> έγραψε:`,
  tr: (d) => `${us} <${address}>, ${d.medium('tr')}, ${d.time('tr')} tarihinde şunu yazdı:`,
  ar: (d) =>
    `في ${d.medium('ar-EG')} في ${d.time('ar-EG')} تمت كتابة ما يلي بواسطة ${us} <\u200E${address}\u200E>:`,
  he: (d) =>
    `\u202Bבתאריך ${d.medium('he')} ב-${d.time('he')} מאת \u202A${us}\u202C\u200F <\u202A${address}\u202C\u200F>:\u202C`,
  fa: (d) => `در تاریخ ${d.medium('fa')}، ${d.time('fa')} ${us} <${address}> نوشت:`,
  ja: (d) => `${d.long('ja')} ${d.time('ja')} ${us} <${address}>:`,
  zh: (d) => `${us} <${address}> 于${d.long('zh')} ${d.time('zh')}写道：`,
  ko: (d) => `${d.long('ko')} ${d.time('ko')}, ${us} <${address}>님이 작성:`,
  th: (d) => `ในวันที่ ${d.medium('th')} เวลา ${d.time('th')} ${us} <${address}> เขียนว่า:`,
  vi: (d) => `Vào ${d.medium('vi')} vào lúc ${d.time('vi')} ${us} <${address}> đã viết:`,
  id: (d) => `Pada ${d.medium('id')} pukul ${d.time('id')} ${us} <${address}> menulis:`,
  am: (d) => `${us} <${address}> በ${d.medium('am')} ${d.time('am')} ላይ ጻፈ:`,
}

/** The lines that an iPhone and its quotation write. */
const apple: Record<string, [device: string, attribution: (d: Dates) => string]> = {
  en: [
    'Sent from my iPhone',
    (d) => `On ${d.short('en-GB')}, at ${d.time('en-GB')}, ${us} <${address}> wrote:`,
  ],
  de: [
    'Von meinem iPhone gesendet',
    (d) => `Am ${d.short('de')} um ${d.time('de')} schrieb ${us} <${address}>:`,
  ],
  fr: ['Envoyé de mon iPhone', (d) => `Le ${d.short('fr')} à ${d.time('fr')}, ${us} <${address}> a écrit :`],
  es: [
    'Enviado desde mi iPhone',
    (d) => `El ${d.short('es')}, a las ${d.time('es')}, ${us} <${address}> escribió:`,
  ],
  it: [
    'Inviato da iPhone',
    (d) => `Il giorno ${d.short('it')}, alle ore ${d.time('it')}, ${us} <${address}> ha scritto:`,
  ],
  pt: [
    'Enviado do meu iPhone',
    (d) => `No dia ${d.short('pt')}, às ${d.time('pt')}, ${us} <${address}> escreveu:`,
  ],
  nl: [
    'Verstuurd vanaf mijn iPhone',
    (d) => `Op ${d.short('nl')} om ${d.time('nl')} heeft ${us} <${address}> het volgende geschreven:`,
  ],
  sv: ['Skickat från min iPhone', (d) => `${d.short('sv')} kl. ${d.time('sv')} skrev ${us} <${address}>:`],
  da: ['Sendt fra min iPhone', (d) => `Den ${d.short('da')} kl. ${d.time('da')} skrev ${us} <${address}>:`],
  nb: ['Sendt fra min iPhone', (d) => `${d.short('nb')} kl. ${d.time('nb')} skrev ${us} <${address}>:`],
  fi: ['Lähetetty iPhonesta', (d) => `${us} <${address}> kirjoitti ${d.short('fi')} kello ${d.time('fi')}:`],
  pl: [
    'Wysłane z iPhone’a',
    (d) => `Wiadomość napisana przez ${us} <${address}> w dniu ${d.short('pl')}, o godz. ${d.time('pl')}:`,
  ],
  cs: ['Odesláno z iPhonu', (d) => `${d.short('cs')} v ${d.time('cs')}, ${us} <${address}>:`],
  hu: [
    'Elküldve az iPhone-omról',
    (d) => `${d.short('hu')} dátummal, ${d.time('hu')} időpontban ${us} <${address}> írta:`,
  ],
  ru: ['Отправлено с iPhone', (d) => `${d.short('ru')}, в ${d.time('ru')}, ${us} <${address}> написал(а):`],
  uk: ['Надіслано з iPhone', (d) => `${d.short('uk')} о ${d.time('uk')} ${us} <${address}> пише:`],
  tr: [
    'iPhone’umdan gönderildi',
    (d) => `${us} <${address}> şunları yazdı (${d.short('tr')} ${d.time('tr')}):`,
  ],
  ja: ['iPhoneから送信', (d) => `${d.iso.replaceAll('-', '/')} ${d.time('ja')}、${us} <${address}>のメール:`],
  zh: ['发自我的iPhone', (d) => `${us} <${address}> 在 ${d.long('zh')} ${d.time('zh')} 写道：`],
  ko: ['나의 iPhone에서 보냄', (d) => `${d.long('ko')} ${d.time('ko')}, ${us} <${address}> 작성:`],
  ar: [
    'أُرسلت من الـ iPhone',
    (d) => `في ${d.short('ar-EG')}، الساعة ${d.time('ar-EG')}، كتب/كتبت ${us} <${address}>:`,
  ],
  he: ['נשלח מה-iPhone שלי', (d) => `ב-${d.short('he')}, בשעה ${d.time('he')}, ‏${us} <${address}> כתב/ה:`],
  vi: [
    'Đã gửi từ iPhone của tôi',
    (d) => `Vào ${d.short('vi')} lúc ${d.time('vi')}, ${us} <${address}> đã viết:`,
  ],
  id: [
    'Dikirim dari iPhone saya',
    (d) => `Pada ${d.short('id')} ${d.time('id')}, ${us} <${address}> menulis:`,
  ],
}

/** What Outlook calls the lines of the header that it quotes: from, sent, to, subject. */
const outlook: Record<string, [from: string, sent: string, to: string, subject: string, get: string]> = {
  en: ['From', 'Sent', 'To', 'Subject', 'Get Outlook for iOS'],
  de: ['Von', 'Gesendet', 'An', 'Betreff', 'Holen Sie sich Outlook für iOS'],
  fr: ['De', 'Envoyé', 'À', 'Objet', 'Télécharger Outlook pour iOS'],
  es: ['De', 'Enviado', 'Para', 'Asunto', 'Obtener Outlook para iOS'],
  it: ['Da', 'Inviato', 'A', 'Oggetto', 'Scarica Outlook per iOS'],
  pt: ['De', 'Enviado', 'Para', 'Assunto', 'Obter o Outlook para iOS'],
  nl: ['Van', 'Verzonden', 'Aan', 'Onderwerp', 'Outlook voor iOS downloaden'],
  sv: ['Från', 'Skickat', 'Till', 'Ämne', 'Hämta Outlook för iOS'],
  da: ['Fra', 'Sendt', 'Til', 'Emne', 'Hent Outlook til iOS'],
  nb: ['Fra', 'Sendt', 'Til', 'Emne', 'Skaff deg Outlook for iOS'],
  fi: ['Lähettäjä', 'Lähetetty', 'Vastaanottaja', 'Aihe', 'Hanki Outlook for iOS'],
  pl: ['Od', 'Wysłano', 'Do', 'Temat', 'Pobierz program Outlook dla systemu iOS'],
  cs: ['Od', 'Odesláno', 'Komu', 'Předmět', 'Získat Outlook pro iOS'],
  hu: ['Feladó', 'Elküldve', 'Címzett', 'Tárgy', 'Az Outlook beszerzése iOS-re'],
  ru: ['От', 'Отправлено', 'Кому', 'Тема', 'Получить Outlook для iOS'],
  el: ['Από', 'Στάλθηκε', 'Προς', 'Θέμα', 'Λήψη του Outlook για iOS'],
  tr: ['Kimden', 'Gönderildi', 'Kime', 'Konu', 'iOS için Outlook’u edinin'],
  ar: ['من', 'تم الإرسال', 'إلى', 'الموضوع', 'الحصول على Outlook لـ iOS'],
  he: ['מאת', 'נשלח', 'אל', 'נושא', 'קבל את Outlook עבור iOS'],
  ja: ['差出人', '送信日時', '宛先', '件名', 'iOS 版 Outlook を入手'],
  zh: ['发件人', '发送时间', '收件人', '主题', '获取 Outlook for iOS'],
  ko: ['보낸 사람', '보낸 날짜', '받는 사람', '제목', 'iOS용 Outlook 다운로드'],
  th: ['จาก', 'ส่งแล้ว', 'ถึง', 'เรื่อง', 'รับ Outlook for iOS'],
  sw: ['Kutoka', 'Imetumwa', 'Kwa', 'Mada', 'Pata Outlook ya iOS'],
}

/** What gateways write above a mail from outside, in the quoted mail. */
const banners = [
  `You don't often get email from ${address}. Learn why this is important<https://aka.ms/LearnAboutSenderIdentification>`,
  'CAUTION: This email originated from outside of the organization. Do not click links or open attachments unless you recognize the sender.',
]

/** Thunderbird and others name the sender without the address. */
const nameOnly: Record<string, (d: Dates) => string> = {
  'thunderbird en': (d) => `On ${d.short('en-GB')} ${d.time('en-GB')}, ${us} wrote:`,
  'thunderbird de': (d) => `Am ${d.short('de')} um ${d.time('de')} schrieb ${us}:`,
  'thunderbird fr': (d) => `Le ${d.short('fr')} à ${d.time('fr')}, ${us} a écrit :`,
  'thunderbird es': (d) => `El ${d.short('es')} a las ${d.time('es')}, ${us} escribió:`,
  'thunderbird it': (d) => `Il ${d.short('it')} ${d.time('it')}, ${us} ha scritto:`,
  'thunderbird nl': (d) => `Op ${d.short('nl')} om ${d.time('nl')} schreef ${us}:`,
  'thunderbird sv': (d) => `Den ${d.short('sv')} kl. ${d.time('sv')}, skrev ${us}:`,
  'thunderbird pl': (d) => `W dniu ${d.short('pl')} o ${d.time('pl')}, ${us} pisze:`,
  'thunderbird cs': (d) => `Dne ${d.short('cs')} v ${d.time('cs')} ${us} napsal(a):`,
  'thunderbird fi': (d) => `${us} kirjoitti ${d.short('fi')} klo ${d.time('fi')}:`,
  'thunderbird hu': (d) => `${d.short('hu')} ${d.time('hu')} keltezéssel, ${us} írta:`,
  'thunderbird ru': (d) => `${d.short('ru')} ${d.time('ru')}, ${us} пишет:`,
  'thunderbird ja': (d) => `On ${d.iso.replaceAll('-', '/')} ${d.time('ja')}, ${us} wrote:`,
  'thunderbird tr': (d) => `${d.short('tr')} ${d.time('tr')} tarihinde ${us} yazdı:`,
  'thunderbird pt': (d) => `Em ${d.short('pt')} ${d.time('pt')}, ${us} escreveu:`,
  'mutt en': (d) => `On ${d.medium('en-US')} at ${d.time('en-GB')}:00AM +0300, ${us} wrote:`,
  'roundcube en': (d) => `On ${d.iso} ${d.time('en-GB')}, ${us} wrote:`,
  'roundcube de': (d) => `Am ${d.short('de')} ${d.time('de')}, schrieb ${us}:`,
  'roundcube fr': (d) => `Le ${d.iso} ${d.time('fr')}, ${us} a écrit :`,
}

/** Yahoo leaves no blank line above; the others have their own lines. */
const others: Record<string, { above?: string; line: (d: Dates) => string }> = {
  'yahoo en': {
    line: (d) => `On ${d.long('en-GB')} at ${d.time('en-GB')}:00 EAT, ${us} <${address}> wrote:`,
  },
  'yahoo de': {
    line: (d) =>
      `Am ${d.long('de')} um ${d.time('de')}:00 OESZ hat ${us} <${address}> Folgendes geschrieben:`,
  },
  'yahoo sw': {
    line: (d) => `Siku ya ${d.long('sw')} ${d.time('sw')}:00 GMT+3, ${us} <${address}> ameandika:`,
  },
  'yahoo pl': {
    line: (d) => `W dniu ${d.long('pl')} ${d.time('pl')}:00 CEST użytkownik ${us} <${address}> napisał:`,
  },
  'yahoo fr': { line: (d) => `Le ${d.long('fr')} à ${d.time('fr')}:00 UTC+3, ${us} <${address}> a écrit :` },
  'yahoo es': { line: (d) => `El ${d.long('es')}, ${d.time('es')}:00 GMT+3, ${us} <${address}> escribió:` },
  'yahoo it': {
    line: (d) => `Il ${d.long('it')} alle ore ${d.time('it')}:00 EAT, ${us} <${address}> ha scritto:`,
  },
  'proton en': {
    above: 'Sent with Proton Mail secure email.',
    line: (d) => `On ${d.long('en-US')} at ${d.time('en-GB')}, ${us} <${address}> wrote:`,
  },
  'proton de': {
    above: 'Gesendet mit Proton Mail sichere E-Mail.',
    line: (d) => `${d.long('de')} um ${d.time('de')}, ${us} <${address}> schrieb:`,
  },
  'zoho en': {
    line: (d) => `---- On ${d.medium('en-GB')} ${d.time('en-GB')}:00 +0300 ${us} <${address}> wrote ---`,
  },
  'k-9 en': { line: (d) => `On ${d.long('en-GB')} ${d.time('en-GB')}:00 EAT, ${us} <${address}> wrote:` },
  'yandex ru': { line: (d) => `${d.short('ru')}, ${d.time('ru')}, "${us}" <${address}>:` },
  'mail.ru': { line: (d) => `${d.long('ru')}, ${d.time('ru')} +03:00 от ${us} <${address}>:` },
  'netease zh': { line: (d) => `在 ${d.iso} ${d.time('zh')}:00，"${us}" <${address}> 写道：` },
  'blackberry en': {
    above: 'Sent from my BlackBerry — the most secure mobile device',
    line: (d) => `On ${d.long('en-GB')} at ${d.time('en-GB')}, ${us} <${address}> wrote:`,
  },
  'yahoo android': {
    above: 'Sent from Yahoo Mail on Android',
    line: (d) => `On ${d.medium('en-GB')} at ${d.time('en-GB')}, ${us} <${address}> wrote:`,
  },
}

/** Programs that write a header below a rule of their own. */
const ruled: Record<string, (d: Dates, subject: string) => string> = {
  'samsung en': (d, subject) =>
    `-------- Original message --------\nFrom: ${us} <${address}>\nDate: ${d.short('en-GB')} ${d.time('en-GB')} (GMT+03:00)\nTo: ${editorMail}\nSubject: ${subject}`,
  'samsung de': (d, subject) =>
    `-------- Ursprüngliche Nachricht --------\nVon: ${us} <${address}>\nDatum: ${d.short('de')} ${d.time('de')} (GMT+03:00)\nAn: ${editorMail}\nBetreff: ${subject}`,
  'samsung fr': (d, subject) =>
    `-------- Message d'origine --------\nDe : ${us} <${address}>\nDate : ${d.short('fr')} ${d.time('fr')} (GMT+03:00)\nÀ : ${editorMail}\nObjet : ${subject}`,
  'outlook 2003': (d, subject) =>
    `-----Original Message-----\nFrom: ${us} [mailto:${address}]\nSent: ${d.long('en-GB')} ${d.time('en-GB')}\nTo: ${editor}\nSubject: ${subject}`,
  'em client': (d, subject) =>
    `------ Original Message ------\nFrom: "${us}" <${address}>\nTo: ${editorMail}\nSent: ${d.short('en-GB')} ${d.time('en-GB')}:00\nSubject: ${subject}`,
  'gmx de': (d, subject) =>
    `Gesendet: ${d.long('de')} um ${d.time('de')} Uhr\nVon: ${us} <${address}>\nAn: ${editorMail}\nBetreff: ${subject}`,
  'qq zh': (d, subject) =>
    `------------------ 原始邮件 ------------------\n发件人: "${us}" <${address}>;\n发送时间: ${d.long('zh')} ${d.time('zh')}\n收件人: "${editor}" <${editorMail}>;\n主题: ${subject}`,
}

function gmailHtml(words: string, line: string, { html }: Quoted): string {
  return `<div dir="ltr">${inDivs(words)}</div><br><div class="gmail_quote"><div dir="ltr" class="gmail_attr">${escaped(line)}<br></div><blockquote class="gmail_quote" style="margin:0 0 0 .8ex">${html}</blockquote></div>`
}

function outlookHtml(words: string, header: string, { html }: Quoted): string {
  const lines = header.split('\n').map((line) => escaped(line).replace(/^([^:]*:)/, '<b>$1</b>'))
  const paragraphs = words
    .split('\n')
    .map((line) => `<p class="MsoNormal">${escaped(line) || '&nbsp;'}<o:p></o:p></p>`)
  return `<html><body><div class="WordSection1">${paragraphs.join('')}<div><div style="border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm"><p class="MsoNormal">${lines.join('<br>')}<o:p></o:p></p></div></div><p class="MsoNormal"><o:p>&nbsp;</o:p></p>${html}</div></body></html>`
}

/** Every program in each of its languages, as text, and as HTML where it writes that. */
export function replyShapes(quoted: Quoted): Shape[] {
  const d = datesOf(quoted.at)
  const { text, subject } = quoted
  const shapes: Shape[] = []
  for (const [language, line] of Object.entries(gmail)) {
    shapes.push({
      name: `gmail ${language}`,
      text: (words) => `${broken(words, 78)}\n\n${broken(line(d), 76)}\n\n${quote(text)}\n`,
      html: (words) => gmailHtml(words, line(d), quoted),
    })
  }
  for (const [language, [device, line]] of Object.entries(apple)) {
    shapes.push({
      name: `iphone ${language}`,
      text: (words) => `${words}\n\n${device}\n\n${quote(`${line(d)}\n\n${text}`)}`,
      html: (words) =>
        `<html><body dir="auto">${inDivs(words)}<br><div dir="ltr">${device}</div><div dir="ltr"><br><blockquote type="cite">${escaped(line(d))}<br><br></blockquote></div><blockquote type="cite"><div dir="ltr">${quoted.html}</div></blockquote></body></html>`,
    })
  }
  for (const [language, [from, sent, to, about, get]] of Object.entries(outlook)) {
    const header = `${from}: ${us} <${address}> \n${sent}: ${d.long(language)} ${d.time(language)}\n${to}: ${editor} <${editorMail}>\n${about}: ${subject}`
    const bare = header.replace(` <${editorMail}>`, '')
    const [banner] = language < 'h' ? banners : banners.toReversed()
    shapes.push({
      name: `outlook ${language}`,
      text: (words) => `${words}\n\n \n\n${header}\n\n \n\n${text}`,
      html: (words) => outlookHtml(words, header, quoted),
    })
    shapes.push({
      name: `outlook behind a gateway ${language}`,
      text: (words) => `${words}\n\n \n\n${bare}\n\n \n\n${banner}\n\n${text}`,
    })
    shapes.push({
      name: `outlook mobile ${language}`,
      text: (words) =>
        `${words}\n\n${get}<https://aka.ms/o0ukef>\n________________________________\n${header}\n\n${text}`,
    })
  }
  for (const [name, line] of Object.entries(nameOnly)) {
    shapes.push({ name, text: (words) => `${words}\n\n${line(d)}\n${quote(text)}` })
  }
  for (const [name, { above, line }] of Object.entries(others)) {
    const gap = name.startsWith('yahoo') && !above ? '\n' : '\n\n'
    const device = above ? `\n\n${above}` : ''
    shapes.push({ name, text: (words) => `${words}${device}${gap}${broken(line(d), 76)}\n\n${quote(text)}` })
  }
  for (const [name, header] of Object.entries(ruled)) {
    shapes.push({ name, text: (words) => `${words}\n\n${header(d, subject)}\n\n${text}` })
  }
  return shapes
}

/** Answers with lines at which programs have cut what was said. */
export const trickyAnswers: Record<string, string> = {
  plain:
    'Thank you, Amina. May we call you about the bridge?\n\nTomorrow at nine would be good. Please bring the photos.',
  'a rule': 'Thank you for the photos.\n\n---\n\nOne more thing: please call us on Monday before nine.',
  underscores: 'Two questions for you.\n____\nWho saw it?\nWhen was it?',
  equals: 'Two questions for you.\n====\nWho saw it?\nWhen was it?',
  'regards and a postscript':
    'Thank you, we will look into it.\n\nKind regards,\nOtto\n\nPS: Please tell nobody before Monday.',
  'cordialement and a postscript':
    'Merci beaucoup.\n\nCordialement,\nOtto\n\nPS : ne dites rien avant lundi.',
  'somebody wrote':
    'Thank you.\n\nOn Friday the mayor wrote:\n\nThe bridge will be opened.\n\nCan you confirm that?',
  'somebody wrote, in Dutch':
    'Dank u.\n\nOp vrijdag was de brug dicht. Wat de burgemeester schreef, klopt niet:\n\nde brug is dicht.\n\nWie heeft het gezien?',
  'an address in the last line': 'Thank you.\n\nPlease write to photos@example.org with the originals:',
  'three lines of a card':
    'Please send the photos here.\n\nName: The Example\nPhone: 0700 000000\nMail: photos@example.org',
  'sent from a town': 'The parcel arrived.\n\nSent from Nairobi on Friday, it took a week.',
  'a pasted header':
    'We have got this mail.\n\nFrom: Office of Works <office@example.org>\nTo: Contractor <contractor@example.org>\nSubject: Payment\n\nPlease send the agreed share.\n\nDo you know who wrote it?',
  'a list': 'We need:\n\n- the date\n- the place\n- who was there\n\nand, if you can, a photo.',
  'a quotation': 'You wrote:\n\n> the bridge was closed\n\nSince when?',
  'a question about a phone':
    'Was the picture taken with it?\n\nPlease send it from your iPhone, not as a screenshot.',
}
