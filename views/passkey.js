// Passkeys: only a script can ask the browser for one. https://www.w3.org/TR/webauthn-3/
const form = document.querySelector('[data-passkey]')

if (form && globalThis.PublicKeyCredential?.parseCreationOptionsFromJSON) {
  form.hidden = false
  form.addEventListener('submit', sign)
}

async function sign(event) {
  event.preventDefault()
  try {
    const credential = await ask(form.dataset.passkey, JSON.parse(form.dataset.options))
    form.elements.prf.value = await secretOf(credential)
    form.elements.passkey.value = JSON.stringify({ ...credential.toJSON(), clientExtensionResults: {} })
    form.submit()
    form.elements.prf.value = ''
  } catch {
    form.querySelector('[data-fault]').textContent = 'The browser gave no passkey. Please try again.'
  }
}

function ask(way, options) {
  const { credentials } = navigator
  const publicKey =
    way === 'create'
      ? PublicKeyCredential.parseCreationOptionsFromJSON(options)
      : PublicKeyCredential.parseRequestOptionsFromJSON(options)
  publicKey.extensions = { ...publicKey.extensions, ...secretAsked() }
  return way === 'create' ? credentials.create({ publicKey }) : credentials.get({ publicKey })
}

// The secret that only this passkey makes of our salt: what is sealed opens with it. Empty where there is none.
async function secretOf(credential) {
  const { prf } = credential.getClientExtensionResults()
  const secret = prf?.results?.first ?? (prf?.enabled && (await secretOfNew(credential)))
  return secret ? btoa(String.fromCharCode(...new Uint8Array(secret))) : ''
}

// Some give it only when they sign. Then a new one is asked for one more signature, which proves nothing to anybody.
async function secretOfNew({ rawId, response }) {
  const allowed = { type: 'public-key', id: rawId, transports: response.getTransports() }
  const challenge = crypto.getRandomValues(new Uint8Array(32))
  const publicKey = { challenge, allowCredentials: [allowed], extensions: secretAsked() }
  const signed = await navigator.credentials.get({ publicKey }).catch(() => undefined)
  return signed?.getClientExtensionResults().prf?.results?.first
}

function secretAsked() {
  return { prf: { eval: { first: new TextEncoder().encode(form.dataset.salt) } } }
}
