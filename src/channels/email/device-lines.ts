/** Phones and mail programs that write a line about themselves below every mail. */
const product = String.raw`(?:iphon\S{0,5}|ipad\S{0,4}|ipods?|apple watch|macbook\S*|android|samsung|galaxy|huawei|xiaomi|redmi|poco|oppo|vivo|realme|oneplus|pixel|nokia|tecno|infinix|itel|motorola|moto|sony|xperia|lg|htc|blackberry|windows (?:phone|mail|10|11)|mail (?:for|für|pour|para|per|voor|til|från|for) windows|outlook|hotmail|gmail|yahoo|aol|proton ?mail|tuta(?:nota)?|gmx|web\.de|mail\.ru|yandex|яндекс|zoho(?: mail)?|fastmail|thunderbird|k-9|fairemail|spark|edison|blue ?mail|my ?mail|newton|mailbird|em client|nine|aqua mail|airmail|canary|superhuman|shortwave|hey|mimestream|sailfish|mailspring|mobile|smartphone|handy|phone|telephone|téléphone|telefon\S*|teléfono|telefono|telefone|celular|cellulare|móvil|mobil\S*|телефона?|tablet\S*|tableta?|appareil|dispositivo|toestel|gerät|enhet|urządzenia|simu)`

/** May follow the product: “for iOS”, a model, an address. */
const rest = String.raw`[^\n.!?]{0,50}(?:<[^<>\s]+>|\(\s*https?:[^()\s]+\)|https?:\S+)?`

/** How programs begin that line, by default, in the languages they speak. */
const beginnings = [
  'sent (?:from|with|via|by|using)(?: my| the)?',
  'get',
  '(?:von|aus|mit)(?: meine[mr]| dem| der)?',
  'gesendet (?:von|mit|aus|über)(?: meine[mr]| der| dem)?',
  'diese nachricht wurde von meinem',
  'holen sie sich',
  "(?:envoyé|expédié) (?:de(?:puis)?|à partir d(?:e|u)|avec|par)(?: mon| ma| l['’])?",
  'télécharge[rz]',
  'obtenez',
  'enviado (?:desde|de|do|da|a partir do|con|com|por|pelo)(?: mi| meu| minha| el| la| o)?',
  'obt(?:ener|én|enha|er)(?: o)?',
  'inviato (?:da(?:l(?:la)?)?|con)(?: mio| mia)?',
  '(?:scarica|ottieni)',
  '(?:verstuurd|verzonden) (?:vanaf|vanuit|van|met|via)(?: mijn)?',
  '(?:download|downloaden)',
  'skickat från(?: min| mitt)?',
  '(?:hämta|skaffa|ladda ned)',
  'sendt (?:fra|med|via)(?: min| mit| mitt)?',
  '(?:hent|få)',
  'lähetetty',
  '(?:hanki|hae)',
  'wysłan[eoay] (?:z|ze|za pomocą|przy użyciu)(?: mojego| aplikacji)?',
  'pobierz',
  'odesláno (?:z|ze|pomocí)(?: mého)?',
  '(?:získat|získejte|stáhnout)',
  'odoslané (?:z|zo)(?: môjho)?',
  'trimis (?:de pe|din|cu)',
  '(?:obțineți|descărcați)',
  'poslano (?:s|z|iz)(?: mojega| mog)?',
  'отправлено (?:с|со|из)(?: моего| мобильного)?',
  '(?:получить|скачать|скачайте)',
  '(?:надіслано|відправлено) (?:з|із)(?: мого)?',
  'изпратено от(?: моя)?',
  '(?:εστάλη|στάλθηκε) από (?:το|τη)',
  'enviat des del?(?: meu)?',
  'dikirim dari',
  'dihantar dari(?:pada)?',
  'dapatkan',
  '(?:đã )?gửi từ',
  '(?:tải|lấy)',
  'imetumwa (?:kutoka|kwa)(?: kwa)?',
  'נשלח (?:מ(?:ה|-)?-?|באמצעות)',
  '(?:أُ?رسلت?|تم الإرسال|مرسل[ةه]?) (?:من|باستخدام)(?: ال| جهاز)?(?:ـ)?',
  '(?:احصل على|الحصول على)',
  'ارسال شده از',
  'ส่งจาก',
]

/** Where the product stands first. */
const endings = [
  "['’]?(?:u?m?d[ae]n|(?:t|d)[ae]n) gönderildi",
  '(?:u?n?m?d[ae]n|telefonumdan|cihazımdan) gönderildi',
  String.raw`(?: \S+)? (?:edinin|alın|indirin)`,
  String.raw`(?:-?\S{0,8})? küldve`,
  '(?:を入手|を取得|から送信(?:されました)?|で送信)',
  '에서 (?:보냄|보낸 메일|전송됨|보냈습니다)',
  '(?:다운로드|받기)',
  ' से भेजा गया',
  ': (?:search, organi[sz]e, conquer)',
]

const oriental = [
  String.raw`(?:发自|發自|从|從|透過|来自|來自)(?:我的)?\s?${product}[^\n。！？]{0,20}`,
  String.raw`(?:获取|取得|下载|下載)\s?${product}[^\n。！？]{0,30}`,
  String.raw`(?:나의|내)\s?${product}\s?에서 (?:보냄|전송)`,
  `मेरे ${product} से भेजा गया`,
  String.raw`elküldve (?:az? )?${product}\S{0,10}`,
]

const whole = new RegExp(
  `^(?:${[
    `(?:${beginnings.join('|')})[\\s-]?${product}${rest}\\.?`,
    `${product}[^\\n.!?]{0,30}(?:${endings.join('|')})${rest}`,
    ...oriental,
  ].join('|')})$`,
  'iu',
)

/** In whatever language: the link behind it is Outlook’s own. */
const ofOutlook = /^[^<]{0,60}\boutlook\b[^<]{0,60}<https:\/\/aka\.ms\/\w+>$/i

const longest = 160

/**
 * True for a line that a phone or a mail program writes below every mail by itself, as “Sent from my iPhone”. The whole
 * line has to be one: what only holds such words was written by a person.
 */
export function isDeviceLine(line: string): boolean {
  const plain = line.replace(/\p{Cf}/gu, '').replace(/\[([^[\]\n]*)\]\((https?:[^()\s]*)\)/g, '$1 <$2>')
  if (plain.length > longest) return false
  return ofOutlook.test(plain) || whole.test(plain.replace(/[*_]/g, '').replace(/\s+/g, ' ').trim())
}

const phone = /\b(?:iphone|ipad|android|galaxy|huawei|xiaomi|samsung|blackberry|outlook|proton ?mail)\b/i

/** True for a line that may be one, in a wording that is not known here. */
export function mayBeDeviceLine(line: string): boolean {
  const words = line.trim().split(/\s+/)
  return (
    words.length <= 6 && phone.test(line) && !/[.!?,;:…。！？]/.test(line) && !/^(?:-|\d)/.test(line.trim())
  )
}
