import type { ChatWords } from './en.ts'

export const sw: ChatWords = {
  language: 'Kiswahili',
  kinds: {
    'news-tip': 'Dokezo la habari',
    expose: 'Ufichuzi',
    'story-angle': 'Wazo la habari',
    'human-interest': 'Simulizi ya maisha',
    'guest-post': 'Makala ya mgeni',
  },
  states: {
    waiting: 'inasubiri kusomwa',
    'in-review': 'inasomwa',
    accepted: 'imekubaliwa',
    declined: 'haikukubaliwa',
    spam: 'haikukubaliwa',
  },
  questions: {
    title: 'Kichwa cha makala yako ni kipi? Herufi 3 hadi 150.',
    standfirst: 'Sentensi moja au mbili chini ya kichwa, zinazosema inahusu nini. Herufi zisizozidi 300.',
    byline: 'Jina la mwandishi kama litakavyochapishwa.',
    bio: 'Sentensi moja au mbili kuhusu mwandishi, zitakazochapishwa chini ya makala.',
    body: 'Sasa makala yenyewe. Itume kama maandishi, kwa jumbe zozote unazotaka, au kama hati. Picha pia zitumwe hapa. Bonyeza “Endelea” ikikamilika.',
    category: 'Ni ya sehemu gani ya gazeti?',
    language: 'Imeandikwa kwa lugha gani?',
    links: 'Anwani za tovuti zinazohusiana nayo, moja kwa kila mstari.',
    interest:
      'Je, unamfanyia kazi, unamiliki, unamshauri au unampigia kampeni yeyote anayetajwa? Wasomaji wanaweza kuambiwa.',
    name: 'Jina lako mwenyewe, kama si lile la mwandishi.',
    email: 'Barua pepe yako, kwa maswali yetu. Haichapishwi.',
    website: 'Tovuti yako, ikianza na https://',
    consent: 'Je, uliandika hii mwenyewe, inaweza kuchapishwa kwa jina hilo, na haijachapishwa kwingine?',
    review: 'Hii ndiyo makala yako. Itume, au rudi nyuma uibadilishe.',
  },
  gathered: {
    message: { one: 'ujumbe {}', other: 'jumbe {}' },
    photo: { one: 'picha {}', other: 'picha {}' },
    video: { one: 'video {}', other: 'video {}' },
    voice: { one: 'ujumbe wa sauti {}', other: 'jumbe za sauti {}' },
    audio: { one: 'faili la sauti {}', other: 'mafaili ya sauti {}' },
    document: { one: 'hati {}', other: 'hati {}' },
    location: { one: 'mahali {}', other: 'mahali {}' },
    contact: { one: 'anwani {}', other: 'anwani {}' },
  },
  minutes: { one: 'dakika {}', other: 'dakika {}' },
  hours: { one: 'saa {}', other: 'saa {}' },
  greeting: (newsroom) =>
    `Hili ni sanduku la barua la ${newsroom}.\n\nAndika unachotaka kutuambia, na uongeze picha, hati, video au sauti. Ikikamilika, bonyeza “Tuma”. Mhariri ataisoma, na utapata stakabadhi.\n\nTelegram inajua wewe ni nani na kwamba unatuandikia; anayeangalia simu yako anaweza kuona pia. Ikiwa hiyo ni hatari kwako, usiitumie kwa jambo hili.`,
  saferForm: (url) => `Fomu kwenye tovuti yetu haiulizi jina wala akaunti: ${url}`,
  inTor: (url) => `Katika Tor Browser: ${url}`,
  beforeYouTell:
    'Telegram inajua kwamba ni wewe unayeandika. Ikiwa hiyo ni hatari kwako, ishia hapa na utumie fomu.',
  afterSending:
    'Kwa usalama wako: andika stakabadhi kwenye karatasi, kisha ufute mazungumzo haya. Ikiwa ni hatari kusema zaidi, andika kwenye tovuti yetu kwa kutumia stakabadhi, si hapa.',
  chooseKind: 'Ungependa kutuma nini? Unaweza pia kuanza kuandika tu.',
  begun: (kind) =>
    `${kind}: endelea, nasikiliza. Tuma maneno, picha, mafaili au sauti, kwa mpangilio wowote.`,
  begunGuestPost:
    'Makala ya mgeni: nitakuuliza maswali machache. Unaweza kurudi nyuma wakati wowote. Uliyosema yanahifadhiwa kwa siku moja ukisimama.',
  notSent: (gathered, kind) => `Bado haijatumwa: ${gathered}. ${kind}.`,
  nothingYet: 'hakuna kitu',
  reply: (gathered, reference) => `Bado haijatumwa: ${gathered}, kama jibu lako kwa ${reference}.`,
  sendsItself: (time) => `Usiposema chochote kwa ${time}, itatumwa kama ilivyo.`,
  tooLarge: (url) =>
    `Faili moja ni kubwa mno: Telegram haitupi. Mengine yako salama. Tafadhali tuma lililo kubwa hapa, mara moja, ndani ya wiki: ${url}`,
  notOpened: {
    iwork:
      'Faili moja ni ya Pages, Numbers au Keynote, na haiwezi kufunguliwa hapa. Mengine yako salama. Tafadhali ihifadhi kama PDF, Word, Excel au PowerPoint, kisha uitume.',
    link: 'Faili moja ni kiungo tu, bila faili lenyewe. Mengine yako salama. Tafadhali tuma faili lenyewe.',
    program:
      'Faili moja ni programu, na haikubaliwi. Mengine yako salama. Tafadhali tuma maelezo, au picha ya skrini ya inachofanya.',
    archive:
      'Faili moja ni kifurushi ambacho hakiwezi kufunguliwa hapa. Mengine yako salama. Tafadhali tumia zip, au tuma faili moja moja.',
    other:
      'Faili moja ni ya aina ambayo haiwezi kufunguliwa hapa. Mengine yako salama. Tafadhali ihifadhi kama PDF, maandishi au picha, au iweke ndani ya zip.',
  },
  sent: (gathered) => `Imetumwa: ${gathered}.`,
  discarded: (gathered) => `Imetupwa: ${gathered}. Kwa dakika kumi unaweza kuirudisha.`,
  discardedForGood: 'Imetupwa.',
  nothingToDiscard: 'Hakuna kitu hapa ambacho hakijatumwa.',
  send: 'Tuma',
  sendReply: 'Tuma kama jibu',
  somethingNew: 'Ni jambo jipya',
  addMore: 'Ongeza',
  discard: 'Tupa',
  undo: 'Irudishe',
  next: 'Endelea',
  back: 'Rudi',
  skip: 'Ruka',
  yes: 'Ndiyo, inaweza kuchapishwa',
  listening: 'Endelea, nasikiliza.',
  sending: 'Inatumwa.',
  tooLate: 'Umechelewa kwa hilo.',
  otherOpen: 'Tafadhali tuma au tupa ile nyingine kwanza.',
  answerAgain: (errors) => `${errors}\n\nTafadhali jaribu tena.`,
  bodyNeeded: 'Tafadhali tuma makala kwanza, kama maandishi au hati.',
  pressButton: 'Tafadhali bonyeza kitufe kimojawapo.',
  fileKept: 'Faili limehifadhiwa kama sehemu ya makala yako.',
  stepOf: (step, of) => `${step} kati ya ${of}`,
  received: (reference, receipt, statusUrl) =>
    `Imepokelewa. Asante.\n\nReference: ${reference}\nReceipt: ${receipt}\n\nTunza stakabadhi hii (Receipt) mwenyewe. Kwayo unaweza pia kusoma jibu letu na kuandika tena hapa: ${statusUrl}\n\nJibu letu litafika pia kwenye mazungumzo haya. /status inaonyesha ulichotuma.`,
  joined: (reference) => `Imepokelewa. Imeongezwa kwa ${reference}.`,
  statusEmpty: 'Hujatuma chochote kutoka mazungumzo haya.',
  statusList: 'Ulichotuma, kipya kwanza:',
  statusLine: (reference, kind, state, day) => `${reference} – ${kind}, ${day}: ${state}`,
  statusHint:
    'Kuandika zaidi kuhusu mojawapo, jibu ujumbe wetu, au tumia stakabadhi yake kwenye tovuti yetu.',
  linked: (reference) =>
    `Mazungumzo haya sasa ni ya ${reference}. Majibu yetu yatafika hapa pia, na ukijibu mojawapo, tutalipata.`,
  notLinked: 'Kiungo hiki kimetumika, au ni cha zamani mno. Fungua tena ukurasa wako wa hali upate kipya.',
  chooseLanguage: 'Nizungumze lugha gani?',
  languageChosen: 'Nitazungumza Kiswahili.',
  inGroup: (link) =>
    `Madokezo ni ya faragha: yeyote katika kundi hili anaweza kusoma. Niandikie hapa: ${link}`,
  notTaken:
    'Ujumbe wa aina hii hausomeki hapa, lakini umehifadhiwa. Tafadhali uandike kwa maneno, au uutume kama faili.',
  unknownCommand: (commands) =>
    `Siijui amri hiyo, kwa hiyo hakuna lililofanyika na hakuna lililoongezwa. Ikiwa ni sehemu ya unachotaka kutuambia, iandike bila mkwaju.\n\nHizi ndizo ninazojua:\n${commands}`,
  commandWithWords: (commands) =>
    `Nimeongeza hilo kwenye unachotuambia; sikulichukua kama amri. Kutupa ambacho hakijatumwa, bonyeza “Tupa” au andika /cancel peke yake.\n\nHizi ndizo ninazojua:\n${commands}`,
  helpCommands:
    '/tip – dokezo la habari\n/expose – ufichuzi\n/story – simulizi\n/guest – makala ya mgeni\n/status – ulichotuma\n/cancel – tupa ambacho hakijatumwa\n/language – lugha nyingine\n/help – msaada huu',
  commands: {
    tip: 'Tuma dokezo la habari',
    expose: 'Tuma ufichuzi',
    story: 'Tuma simulizi',
    guest: 'Tuma makala ya mgeni',
    status: 'Ulichotuma',
    cancel: 'Tupa ambacho hakijatumwa',
    language: 'Chagua lugha',
    help: 'Jinsi inavyofanya kazi',
  },
  commandWords: {
    start: ['anza'],
    tip: ['dokezo'],
    expose: ['ufichuzi'],
    story: ['simulizi', 'wazo'],
    guest: ['makala'],
    status: ['hali'],
    cancel: ['ghairi', 'tupa', 'futa'],
    language: ['lugha'],
    help: ['msaada'],
  },
}
