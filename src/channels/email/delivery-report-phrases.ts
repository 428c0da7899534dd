/*
 * By which words servers tell that a mail did not arrive, or not yet, and programs that somebody is away: in the
 * languages that they are known to speak. Each list is one pattern, looked for anywhere.
 */

/** Blanks of any kind stand for those of a phrase, and no word is so long that looking for it would take long. */
function anyOf(phrases: string[]): RegExp {
  const bounded = phrases
    .join('|')
    .replaceAll(' ', '\\s{1,20}')
    .replaceAll('\\S*', '\\S{0,40}')
    .replaceAll('\\S+', '\\S{1,40}')
  return new RegExp(bounded, 'iu')
}

const few = '(?:\\S+ ){0,6}?'

/** It did not arrive. */
export const failure = anyOf([
  // English
  `(?:not|n['’]t|cannot|never) ${few}(?:delivered|sent|transmitted|received|accepted)`,
  "(?:could|can|did|does|was|is|has)(?:n[o'’]t| not) (?:deliver|reach|recogni[sz]ed|exist|accept|be found)",
  '(?:unable|inability|failed|failure|impossible) to (?:deliver|relay|send|reach|route|transmit)',
  `(?:deliver[yi]|delivering|transmission|mail|message|e-?mail)\\S* ${few}(?:fail(?:ed|ure)|abort(?:ed)?|reject(?:ed)?|impossible|refused|unsuccessful)`,
  `(?:fail(?:ed|ure)|error|problem)s? ${few}(?:deliver(?:y|ing)|delivered|mail)`,
  '(?:delivery|mail|mail system|processing|nameserver|smtp) (?:delivery )?(?:error|failure|problem)',
  'undeliver(?:able|ed)',
  'non-?deliver(?:y|able|ed)',
  'return(?:ed|ing) (?:mail|message|e-?mail|to sender)',
  'failure (?:notice|notification|delivery|reasons?)',
  '(?:permanent|fatal|unrecoverable)(?:ly)? (?:fatal )?(?:error|failure|fail|failed|undeliver)',
  '(?:failed|undeliverable) (?:permanently|mail|recipient|address)',
  '(?:unknown|no such|invalid|illegal|bad|incorrect|inactive|disabled|unrouteable|nonexistent|non-existent|unresolvable) (?:\\S+ )?(?:local )?(?:user|recipient|mailbox|mail ?box|address|account|host|domain|destination|name|person|part)',
  "(?:user|recipient|mailbox|address|account|host|domain|name)\\S*(?: \\S+){0,3}? (?:is |was |has been |not |does not |doesn['’]t |no longer |currently )*(?:unknown|not found|invalid|inactive|disabled|suspended|closed|expired|unavailable|deactivated|deleted|rejected|refused|listed in|valid|on file|exist)",
  "(?:doesn['’]?t|does not|no longer|not) (?:exist|have an? \\S+ (?:account|mailbox)|have an account|listed in|a known|valid|a valid)",
  '(?:mailbox|inbox|quota|disk quota|storage)\\S*(?: \\S+){0,4}? (?:full|exceeded|exceeds?|overdrawn|limit)',
  '(?:over|exceed(?:ed|s|ing)?)\\S*(?: \\S+){0,3}? quota',
  '(?:message|mail|e-?mail|your \\S+) (?:\\S+ )?(?:was|is|has been|were) (?:\\S+ )?(?:blocked|bounced|rejected|refused|returned|discarded|undeliverable)',
  '(?:relay(?:ing)?|access) (?:\\S+ )?denied',
  '(?:host|domain) (?:unknown|not found|unreachable)',
  'too many hops',
  // German
  '(?:nicht|konnte nicht|wurde nicht|kann nicht) (?:\\S+ ){0,4}?(?:zugestellt|ausgeliefert|übermittelt|zustellbar)',
  'un(?:zustellbar|zugestellt)',
  'zustell\\S*(?: \\S+){0,4}? (?:fehlgeschlagen|gescheitert|fehler|nicht möglich)',
  'zustell(?:fehler|ungsfehler)',
  // French
  "n['’](?:a|ont|est) (?:pas|pu)(?: \\S+){0,4}? (?:remis|distribué|délivré|livré|transmis|envoyé|acheminé)",
  'non (?:remis|distribué|délivré|livré|transmis)',
  '(?:échec|impossible|impossibilité|erreur) (?:\\S+ ){0,3}?(?:remise|remettre|livraison|distribution|distribuer|livrer|délivrer|envoi)',
  "n['’]existe pas",
  // Spanish and Portuguese
  'no (?:se )?(?:ha|pudo|puede|fue|es|pudieron)(?: \\S+){0,4}? (?:entregar|entregado|entregada|enviado|enviar|posible)',
  '(?:no|mensaje|correo) (?:entregado|devuelto|rechazado)',
  '(?:error|fallo|falla|falha|erro)(?: \\S+){0,3}? (?:entrega|envío|envio)',
  'não (?:pôde|pode|foi|é|conseguimos)(?: \\S+){0,4}? (?:entregue|entregar|enviada?|possível)',
  '(?:mensagem|e-?mail) (?:não entregue|devolvid[ao])',
  'no existe',
  'não existe',
  // Italian and Dutch
  'non (?:è|può|ha|è stato|è stata)(?: \\S+){0,4}? (?:consegnat[oa]|recapitat[oa]|possibile|inviat[oa])',
  '(?:mancat[oa]|impossibile|errore)(?: \\S+){0,3}? (?:recapito|consegna|recapitare|consegnare)',
  'niet (?:\\S+ ){0,4}?(?:bezorgd|afgeleverd|worden bezorgd)',
  'onbestelbaar',
  // Scandinavian, Finnish, Polish, Czech, Turkish, Indonesian, Swahili
  '(?:kunde|kunne) (?:inte|ikke) (?:\\S+ ){0,3}?(?:levereras|leveres|afleveres)',
  'oleverer(?:at|bart)',
  'ei voitu toimittaa',
  'nie (?:mogła|mógł|może|została|można|udało)(?: \\S+){0,5}? (?:dostarczyć|dostarczona|dostarczony|doręczyć|doręczona)',
  'niedostarczon',
  'nedoručiteln|nelze doručit|nebylo možné doručit',
  '(?:teslim edilemedi|iletilemedi|gönderilemedi)',
  'tidak dapat (?:dikirim|terkirim|disampaikan)',
  '(?:haukuweza|haikuweza|umeshindwa|imeshindwa) ku(?:fika|wasilishwa|tumwa|fikishwa)',
  // Russian and Ukrainian
  'не (?:может|могло|мо[гж]\\S*|был[оаи]?|удалось|було|вдалося)(?: \\S+){0,4}? (?:доставлен|доставить|доставлено|отправлен)\\S*',
  'не\\s?доставлен',
  '(?:ошибка|сбой|невозможность|невозможно)(?: \\S+){0,3}? достав',
  '(?:адрес|ящик|пользовател)\\S*(?: \\S+){0,3}? не (?:найден|существует)',
  // Chinese, Japanese, Korean, Arabic
  '退信|退件|投[递遞]失[败敗]|(?:无法|無法|未能|不能)(?:被)?(?:投递|投遞|送达|送達|传递|傳遞|发送|發送|传送|傳送)|(?:发送|發送|传递|傳遞|投递|寄送)失[败敗]|用户不存在|帳號不存在',
  '(?:配信|送信|配達|お届け|届け|送達)(?:することが|が)?(?:でき|出来)ま(?:せん|せんでした)|(?:配信|送信|配達)(?:不能|不可|エラー|失敗)|届きませんでした|配信され(?:ません|ませんでした)|宛先不明|エラーメール|見つかりませんでした',
  '반송|배달(?:되지|할 수|하지)|전송(?:하지 못|되지|할 수 없| 실패)|전달(?:되지|할 수 없)',
  '(?:تعذر|لم يتم|فشل)(?: \\S+){0,2}? (?:تسليم|التسليم|توصيل|إرسال)',
])

/** It has not arrived yet. */
export const delay = anyOf([
  '(?:is|was|has been|been|are|were|delivery|message|mail|e-?mail) (?:temporarily )?(?:delayed|deferred)',
  '(?:delayed|deferred) (?:mail|message|delivery|notification|\\d+)',
  '\\((?:delay(?:ed)?|mail delivery delayed)\\)',
  'delivery (?:delay|incomplete)',
  'delay in the delivery',
  '(?:message|delivery) (?:\\S+ )?delayed',
  '(?:still|continue|keep|be|being|will) (?:be )?(?:trying|retr(?:y|ied|ying))',
  'will (?:continue|keep on|keep|go on)(?: to)? (?:try|retry|trying|attempt)',
  'attempts? (?:\\S+ )?(?:to deliver (?:\\S+ ){1,4})?will (?:continue|be made)',
  'not yet (?:been )?(?:delivered|received)|postponed|(?:still|yet) (?:un|awaiting )deliver',
  "this is (?:only )?a (?:warning|notification)(?: message)? (?:only|about)|warning(?: message)?: (?:could not send|message|still)|(?:do not|don['’]t|no) need to re-?send|no action is required",
  'verzögert|verspätet|weiter(?:e|hin)? (?:\\S+ ){0,3}?(?:versuch|zustellversuch)',
  'retardé|différé|(?:nouvelles?|autres?) tentatives?|en attente de (?:remise|distribution)',
  '(?:se )?(?:ha )?(?:retrasad[oa]|demorad[oa]|aplazad[oa])|seguir(?:á|emos)? intent|atrasad[ao]|continuar(?:á|emos)? (?:a )?tent',
  '(?:in ritardo|ritardat[oa])|vertraagd|fördröj|forsink|opóźnion|gecik',
  'задержан|задержк|отложен|попытки (?:\\S+ ){0,2}?продолж',
  '延[迟遲误誤]|稍[后後]重[试試]|遅延|遅れて|再送(?:を試|信を続|信します)|지연',
])

/** It is not tried any more, whatever else is said. */
export const end = anyOf([
  '(?:giving|given|gave) up|(?:i|we) give up',
  'not (?:going to )?(?:be )?(?:try|tried|retried|attempted|retry) (?:again|anymore|any more|further)',
  '(?:will|going to) (?:not|no longer) (?:be )?(?:try|retry|retried|tried|attempt)',
  'no (?:further|more) (?:delivery )?(?:attempts|retries)',
  'permanent(?:ly)? (?:fatal )?(?:error|fail|failure|failed|undeliver)',
  '(?:failed|fails) permanently',
  '(?:been )?(?:in the queue|queued) too long|retry (?:time ?out|timeout) exceeded|queue(?:d)? (?:time|lifetime) (?:\\S+ )?(?:expired|exceeded)',
  '(?:message|delivery time|retry time|mail) (?:has |was )?expired|deleted from (?:the )?queue|(?:been|was|is) (?:returned|bounced|removed|aborted)',
  'delivery time expired|maximum (?:\\S+ )?(?:retr|attempts)',
])

/** Somebody is away, and their program says so. */
export const away = anyOf([
  '^\\W*auto(?:matic|mated|matisch\\S*|matique|mática|matica|matyczna)?[\\s:_-]*(?:reply|response|respond|answer|antwort|réponse|respuesta|resposta|risposta|antwoord|svar|odpowied\\S*)?\\s*:',
  '\\b(?:auto(?:matic|mated)?[\\s_-]?(?:reply|response|respond)|autoreply)',
  'out[\\s-]of[\\s-](?:the[\\s-])?office|\\booo\\b|vacation|on (?:annual |parental |maternity |sick )?leave|on holiday|away from (?:my|the) (?:office|desk|mail|email)|\\bi am away|currently away',
  'abwesen|automatische (?:antwort|rückmeldung)|nicht im (?:büro|haus)|im urlaub',
  "réponse automatique|absen(?:ce|t) (?:du|de)|message d['’]absence|en (?:congé|vacances)",
  'respuesta automática|fuera de (?:la )?oficina|ausencia|ausente|resposta automática|fora do escritório|(?:de|em) férias|de vacaciones',
  'risposta automatica|fuori (?:sede|ufficio)|assente|in ferie',
  'automatisch (?:antwoord|bericht)|afwezig(?:heid)?|autosvar|frånvaro|frånvarande|fraværende|poissa|automaattinen',
  'automatyczna odpowied|nieobecn|automatická odpověď|otomatik (?:yanıt|cevap)|majibu ya (?:moja kwa moja|kiotomatiki)|niko likizo',
  'автоматическ\\S+ ответ|автоответ|вне офиса|в отпуске|отсутств|автоматична відповідь',
  '自[动動]回[复覆]|外出|休假|自動(?:返信|応答)|不在|부재|자동\\s?(?:응답|회신)|رد تلقائي|خارج المكتب',
])
