// Makes the desk nicer: keys, and what is new without reloading. Everything works without it.
const desk = document.body.dataset.desk
const submission = document.querySelector('[data-submission]')
const secret = new Set(['sheet', 'code'])
const rows = () => [...document.querySelectorAll('.inbox li')]

listen()
keepWhatIsTyped()
document.addEventListener('keydown', pressed)
document.addEventListener('click', ({ target }) => closeMenus(target))
if (location.hash === '#q') document.getElementById('q')?.focus()

/** Server-sent events: lists are fetched anew, and of an open submission it is told who else reads it. */
function listen() {
  const lists = document.getElementById('lists')
  if (!lists && !submission) return
  const events = new EventSource(
    `${desk}/events${submission ? `?submission=${submission.dataset.submission}` : ''}`,
  )
  if (lists) events.addEventListener('lists', refresh)
  if (submission) events.addEventListener('submission', ({ data }) => tellOf(JSON.parse(data)))
  events.addEventListener('signed-out', () => {
    events.close()
    signedOut()
  })
  // The browser gives up when it is refused: most likely the session ended before the stream began. It also does when
  // the page is being left: to ask for the page then would say that it is open still, so a moment is waited.
  events.addEventListener('error', () => {
    if (events.readyState === EventSource.CLOSED) setTimeout(refresh, 1000)
  })
  // A page that the browser keeps for its Back button is not open.
  addEventListener('pagehide', () => events.close(), { once: true })
}

/**
 * On a page with several forms, what was typed into one is still there when another has been sent. The page of a submission
 * does that without scripts, so nothing about one is ever kept here; neither is what opens something.
 */
function keepWhatIsTyped() {
  const name = `typed ${location.pathname}`
  const kept = JSON.parse(sessionStorage.getItem(name) ?? '{}')
  sessionStorage.removeItem(name)
  for (const [id, text] of Object.entries(kept)) {
    const box = document.getElementById(id)
    if (box && !box.value) box.value = text
  }
  document.addEventListener('submit', ({ target }) => {
    if (document.getElementById('work')) return
    const boxes = document.querySelectorAll('main form[method=post] :is(input:not([type=hidden]), textarea)')
    const typed = [...boxes].filter(({ form, id, value, defaultValue }) => {
      return form !== target && id && value !== defaultValue
    })
    const open = typed.filter(({ type, id }) => type !== 'password' && type !== 'file' && !secret.has(id))
    if (open.length === 0) return
    sessionStorage.setItem(name, JSON.stringify(Object.fromEntries(open.map(({ id, value }) => [id, value]))))
  })
}

/** Shown again, such a page is told of what is new. */
addEventListener('pageshow', ({ persisted }) => {
  if (persisted) listen()
})

/** A list is of no use any more; a submission stays, for somebody may be writing. */
function signedOut() {
  if (!submission) return location.reload()
  submission.textContent =
    'Your session has ended. What you typed is still here: sign in in another tab, then send it.'
}

/** Fetches this page again and puts its lists in place of ours. What was ticked and where one was stays. */
async function refresh() {
  const response = await fetch(location.href, { headers: { accept: 'text/html' } }).catch(() => undefined)
  if (response?.redirected) return signedOut()
  if (!response?.ok) return
  const fresh = new DOMParser().parseFromString(await response.text(), 'text/html')
  const ticked = new Set([...document.querySelectorAll('.inbox input:checked')].map((box) => box.value))
  const at = document.querySelector('.inbox li.at input')?.value
  const focused = document.activeElement?.closest('.inbox li')?.querySelector('input')?.value
  const wasLink = document.activeElement?.matches('.inbox .title')
  const what = document.getElementById('what')?.value
  for (const selector of ['#lists', '#trouble', '.views']) {
    const [ours, theirs] = [document.querySelector(selector), fresh.querySelector(selector)]
    if (ours && theirs) ours.replaceWith(document.adoptNode(theirs))
  }
  const bulk = document.getElementById('what')
  if (bulk && what) bulk.value = what
  for (const row of rows()) {
    const box = row.querySelector('input')
    box.checked = ticked.has(box.value)
    if (box.value === at) row.classList.add('at')
    if (box.value === focused) (wasLink ? row.querySelector('.title') : box).focus()
  }
}

function tellOf({ revision, present }) {
  const others = present.filter((one) => one.id !== submission.dataset.me).map((one) => one.name)
  const said = []
  if (others.length > 0) said.push(`Open at this moment: ${others.join(', ')}.`)
  submission.textContent = said.join(' ')
  if (revision > Number(submission.dataset.revision)) {
    // By the form of the page: what was typed there comes along.
    const button = document.createElement('button')
    button.className = 'plain'
    button.textContent = 'Something has changed here. Show it'
    button.setAttribute('form', 'work')
    button.setAttribute('formaction', `${desk}/submissions/${submission.dataset.submission}/look`)
    submission.append(' ', button)
  }
}

/** Menus that are open close when something else is touched, or with Escape. */
function closeMenus(touched) {
  for (const menu of document.querySelectorAll('details.menu[open], details.more[open]')) {
    if (!menu.contains(touched)) menu.open = false
  }
}

function pressed(event) {
  if (event.key === 'Escape') closeMenus()
  if (event.ctrlKey || event.metaKey || event.altKey) return
  if (event.target.closest('input, textarea, select, [contenteditable]')) return
  const act = keys[event.key]
  if (!act) return
  if (act() !== false) event.preventDefault()
}

const keys = {
  j: () => step(1),
  k: () => step(-1),
  o: () => press(current()?.querySelector('.title')),
  x: () => press(current()?.querySelector('input')),
  c: () => pressOrBulk('c', 'claim'),
  a: () => press(document.querySelector('[data-key="a"]') ?? current()?.querySelector('.title')),
  d: () => press(document.querySelector('[data-key="d"]') ?? current()?.querySelector('.title')),
  n: () => press(document.querySelector('[data-key="n"]')),
  s: () => press(document.querySelector('[data-key="s"]')),
  u: () => press(document.querySelector('.undo button')),
  '/': () => focusOr(`${desk}#q`, document.getElementById('q')),
  '?': () => location.assign(`${desk}/help`),
}

function current() {
  return document.querySelector('.inbox li.at')
}

function step(by) {
  const all = rows()
  if (all.length === 0) return by > 0 ? press(document.querySelector('[data-key="n"]')) : false
  const next = all[Math.min(all.length - 1, Math.max(0, all.indexOf(current()) + by))]
  current()?.classList.remove('at')
  next.classList.add('at')
  next.querySelector('.title').focus()
}

function press(element) {
  if (!element) return false
  element.click()
}

/** On a submission, its own button; in a list, the submission one is at. */
function pressOrBulk(key, what) {
  const button = document.querySelector(`[data-key="${key}"]`)
  if (button) return press(button)
  const row = current()
  if (!row) return false
  for (const other of rows()) other.querySelector('input').checked = other === row
  document.getElementById('what').value = what
  document.getElementById('bulk').requestSubmit()
}

function focusOr(address, element) {
  if (element) element.focus()
  else location.assign(address)
}
