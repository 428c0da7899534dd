// Passkeys: only a script can ask the browser for one. https://www.w3.org/TR/webauthn-3/
const form = document.querySelector('[data-passkey]')

if (form && globalThis.PublicKeyCredential?.parseCreationOptionsFromJSON) {
  form.hidden = false
  form.addEventListener('submit', sign)
}

async function sign(event) {
  if (form.elements.passkey.value) return
  event.preventDefault()
  try {
    const credential = await ask(form.dataset.passkey, JSON.parse(form.dataset.options))
    form.elements.passkey.value = JSON.stringify(credential.toJSON())
    form.submit()
  } catch {
    form.querySelector('[data-fault]').textContent = 'The browser gave no passkey. Please try again.'
  }
}

function ask(way, options) {
  return way === 'create'
    ? navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) })
    : navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) })
}
