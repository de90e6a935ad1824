const state = document.querySelector('#state')
const button = document.querySelector('#subscribe')

/** What the page says; `data-state` is the first word or two of it. */
function show(name, words) {
  state.dataset.state = name
  state.textContent = words
}

const words = {
  unchanged: 'Subscribed; the key is the same.',
  subscribed: 'Subscribed.',
  resubscribed: 'The key has changed: subscribed anew.',
  'not subscribed': 'Not subscribed.',
  'no key': 'There is no key to subscribe with at the moment.',
}

const failures = {
  AbortError: 'The push service cannot be reached. The next visit tries again.',
  TimeoutError: 'The push service cannot be reached. The next visit tries again.',
  NotAllowedError: 'This browser does not allow notifications from here.',
}

async function ensure(registration, wanted) {
  try {
    const result = await ensureSubscribed(registration, wanted)
    show(result, words[result])
    button.hidden = result !== 'not subscribed'
  } catch (error) {
    show(`failed: ${error.name}`, failures[error.name] ?? error.message)
    button.hidden = false
  }
}

async function start() {
  if (!('serviceWorker' in navigator && 'PushManager' in self)) {
    return show('unsupported', 'This browser has no push messages.')
  }
  await navigator.serviceWorker.register('/service-worker.js')
  navigator.serviceWorker.addEventListener('message', ({ data }) => show(data, words[data] ?? data))
  const registration = await navigator.serviceWorker.ready
  button.addEventListener('click', () => {
    void Notification.requestPermission().then(() => ensure(registration, true))
  })
  await ensure(registration, false)
}

start().catch((error) => show(`failed: ${error.name}`, error.message))
