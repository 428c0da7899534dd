import type { ChatWords } from './en.ts'

export const fr: ChatWords = {
  language: 'Français',
  kinds: {
    'news-tip': 'Info',
    expose: 'Révélation',
    'story-angle': 'Idée de sujet',
    'human-interest': 'Histoire vécue',
    'guest-post': 'Tribune',
  },
  states: {
    waiting: 'en attente de lecture',
    'in-review': 'en cours de lecture',
    accepted: 'accepté',
    declined: 'non retenu',
    spam: 'non retenu',
  },
  questions: {
    title: 'Quel est votre titre ? De 3 à 150 caractères.',
    standfirst: 'Une ou deux phrases sous le titre, qui disent de quoi il s’agit. 300 caractères au plus.',
    byline: 'Le nom de l’auteur tel qu’il doit être imprimé.',
    bio: 'Une phrase ou deux sur l’auteur, imprimées sous le texte.',
    body: 'Maintenant l’article. Envoyez-le en texte, en autant de messages que vous voulez, ou en document. Les photos aussi. Appuyez sur « Suivant » quand tout y est.',
    category: 'Pour quelle rubrique ?',
    language: 'Dans quelle langue est-il écrit ?',
    links: 'Les adresses web qui s’y rapportent, une par ligne.',
    interest:
      'Travaillez-vous pour quelqu’un dont parle le texte, le possédez-vous, le conseillez-vous ou faites-vous campagne pour lui ? Les lecteurs peuvent en être informés.',
    name: 'Votre propre nom, si ce n’est pas la signature.',
    email: 'Votre adresse e-mail, pour nos questions. Elle n’est pas imprimée.',
    website: 'Votre site, commençant par https://',
    consent:
      'Avez-vous écrit ceci vous-même, peut-on le publier sous cette signature, et n’a-t-il pas paru ailleurs ?',
    review: 'Voici votre tribune. Envoyez-la, ou revenez la modifier.',
  },
  gathered: {
    message: { one: '{} message', other: '{} messages' },
    photo: { one: '{} photo', other: '{} photos' },
    video: { one: '{} vidéo', other: '{} vidéos' },
    voice: { one: '{} message vocal', other: '{} messages vocaux' },
    audio: { one: '{} fichier audio', other: '{} fichiers audio' },
    document: { one: '{} document', other: '{} documents' },
    location: { one: '{} lieu', other: '{} lieux' },
    contact: { one: '{} contact', other: '{} contacts' },
  },
  minutes: { one: '{} minute', other: '{} minutes' },
  hours: { one: '{} heure', other: '{} heures' },
  greeting: (newsroom) =>
    `Voici la boîte aux lettres de ${newsroom}.\n\nÉcrivez ce que vous voulez nous dire, ajoutez photos, documents, vidéo ou voix. Quand tout y est, appuyez sur « Envoyer ». Un rédacteur le lit, et vous recevez un reçu.\n\nTelegram sait qui vous êtes et que vous nous écrivez ; qui regarde votre téléphone peut le voir aussi. Si c’est un danger pour vous, ne l’utilisez pas pour cela.`,
  saferForm: (url) => `Le formulaire de notre site ne demande ni nom ni compte : ${url}`,
  inTor: (url) => `Dans le navigateur Tor : ${url}`,
  beforeYouTell:
    'Telegram sait que c’est vous qui écrivez. Si c’est un danger pour vous, arrêtez-vous ici et utilisez le formulaire.',
  afterSending:
    'Pour votre sécurité : notez le reçu sur papier, puis supprimez cette conversation. S’il est dangereux d’en dire plus, écrivez-le sur notre site avec le reçu, et non ici.',
  chooseKind: 'Que voulez-vous envoyer ? Vous pouvez aussi commencer à écrire.',
  begun: (kind) =>
    `${kind} : allez-y, j’écoute. Envoyez mots, photos, fichiers ou voix, dans n’importe quel ordre.`,
  begunGuestPost:
    'Tribune : je vais vous poser quelques questions. Vous pouvez revenir en arrière à tout moment. Si vous arrêtez, tout est gardé un jour.',
  notSent: (gathered, kind) => `Pas encore envoyé : ${gathered}. ${kind}.`,
  nothingYet: 'rien',
  reply: (gathered, reference) => `Pas encore envoyé : ${gathered}, en réponse à ${reference}.`,
  sendsItself: (time) => `Si vous ne dites rien pendant ${time}, tout est envoyé tel quel.`,
  tooLarge: (url) =>
    `Un fichier est trop grand : Telegram ne nous le donne pas. Le reste est en sûreté. Envoyez ici ce qui est trop grand, une fois, dans la semaine : ${url}`,
  notOpened: {
    iwork:
      'Un fichier est un document Pages, Numbers ou Keynote, qui ne peut pas être ouvert ici. Le reste est en sûreté. Exportez-le en PDF, Word, Excel ou PowerPoint, et envoyez cela.',
    link: 'Un fichier n’est qu’un lien ou un raccourci, sans le fichier auquel il mène. Le reste est en sûreté. Envoyez ce fichier.',
    program:
      'Un fichier est un programme et n’est pas accepté. Le reste est en sûreté. Envoyez une description, ou une capture d’écran de ce qu’il fait.',
    archive:
      'Un fichier est une archive qui ne peut pas être ouverte ici. Le reste est en sûreté. Faites-en une archive zip, ou envoyez les fichiers un par un.',
    other:
      'Un fichier est d’un type qui ne peut pas être ouvert ici. Le reste est en sûreté. Exportez-le en PDF, en texte ou en image, ou mettez-le dans une archive zip.',
  },
  sent: (gathered) => `Envoyé : ${gathered}.`,
  discarded: (gathered) => `Abandonné : ${gathered}. Vous pouvez le reprendre pendant dix minutes.`,
  discardedForGood: 'Abandonné.',
  nothingToDiscard: 'Il n’y a rien ici qui ne soit envoyé.',
  send: 'Envoyer',
  sendReply: 'Envoyer en réponse',
  somethingNew: 'C’est autre chose',
  addMore: 'Ajouter',
  discard: 'Abandonner',
  undo: 'Reprendre',
  next: 'Suivant',
  back: 'Retour',
  skip: 'Passer',
  yes: 'Oui, on peut le publier',
  listening: 'Allez-y, j’écoute.',
  sending: 'C’est parti.',
  tooLate: 'Il est trop tard pour cela.',
  otherOpen: 'Envoyez ou abandonnez d’abord l’autre.',
  answerAgain: (errors) => `${errors}\n\nEssayez encore.`,
  bodyNeeded: 'Envoyez d’abord l’article, en texte ou en document.',
  pressButton: 'Appuyez sur l’un des boutons.',
  fileKept: 'Le fichier est gardé avec votre tribune.',
  stepOf: (step, of) => `${step} sur ${of}`,
  received: (reference, receipt, statusUrl) =>
    `Bien reçu. Merci.\n\nReference: ${reference}\nReceipt: ${receipt}\n\nGardez ce reçu (Receipt) pour vous. Il permet aussi de lire notre réponse et d’écrire encore ici : ${statusUrl}\n\nNotre réponse arrive aussi dans cette conversation. /status montre ce que vous avez envoyé.`,
  joined: (reference) => `Bien reçu. C’est ajouté à ${reference}.`,
  statusEmpty: 'Vous n’avez encore rien envoyé d’ici.',
  statusList: 'Ce que vous avez envoyé, le plus récent d’abord :',
  statusLine: (reference, kind, state, day) => `${reference} – ${kind}, ${day} : ${state}`,
  statusHint: 'Pour en dire plus, répondez à notre message, ou utilisez le reçu sur notre site.',
  linked: (reference) =>
    `Cette conversation est maintenant liée à ${reference}. Nos réponses arrivent ici aussi, et si vous y répondez, nous le recevons.`,
  notLinked: 'Ce lien a servi, ou il est trop ancien. Rouvrez votre page de suivi pour en avoir un autre.',
  chooseLanguage: 'Quelle langue dois-je parler ?',
  languageChosen: 'Je parlerai français.',
  inGroup: (link) => `Les infos se disent en privé : tout le groupe peut lire ici. Écrivez-moi là : ${link}`,
  notTaken:
    'Ce genre de message ne peut pas être lu ici, mais il est gardé. Écrivez-le, ou envoyez-le comme fichier.',
  unknownCommand: (commands) =>
    `Je ne connais pas cette commande : rien n’a été fait, rien n’a été ajouté. Si cela fait partie de ce que vous voulez nous dire, écrivez-le sans la barre.\n\nVoici ce que je connais :\n${commands}`,
  commandWithWords: (commands) =>
    `Je l’ai ajouté à ce que vous nous dites ; je ne l’ai pas pris pour une commande. Pour abandonner ce qui n’est pas envoyé, appuyez sur « Abandonner » ou écrivez /cancel et rien d’autre.\n\nVoici ce que je connais :\n${commands}`,
  helpCommands:
    '/tip – une info\n/expose – une révélation\n/story – une histoire\n/guest – une tribune\n/status – ce que vous avez envoyé\n/cancel – abandonner ce qui n’est pas envoyé\n/language – une autre langue\n/help – cette aide',
  commands: {
    tip: 'Envoyer une info',
    expose: 'Envoyer une révélation',
    story: 'Envoyer une histoire',
    guest: 'Envoyer une tribune',
    status: 'Ce que vous avez envoyé',
    cancel: 'Abandonner ce qui n’est pas envoyé',
    language: 'Choisir la langue',
    help: 'Comment cela marche',
  },
  commandWords: {
    start: ['commencer'],
    tip: ['signaler'],
    expose: ['révélation'],
    story: ['histoire'],
    guest: ['tribune'],
    status: ['suivi', 'statut'],
    cancel: ['annuler', 'abandonner'],
    language: ['langue'],
    help: ['aide'],
  },
}
