// Follows what happens, and puts newly rendered parts of the page in the place of old ones.

/** Whoever waits for an event. */
const waiting = new Set()
const happenings = [
  'reset',
  'rotation.started',
  'rotation.step',
  'rotation.finished',
  'version.active',
  'version.announced',
  'version.retired',
  'version.destroyed',
  'material.state',
  'drift',
  'clock.suspect',
  'config.reloaded',
]

/** A page of ours as a document; undefined when there is none now. */
export function load(path) {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest()
    request.responseType = 'document'
    request.open('GET', path)
    request.addEventListener('load', () => {
      // The session has ended: the sign-in takes the place of the page.
      if (request.status === 401) location.reload()
      resolve(request.status === 200 ? request.response : undefined)
    })
    request.addEventListener('error', () => resolve(undefined))
    request.send()
  })
}

/** The first event that `fits`, or undefined after `milliseconds`. */
export function happening(fits, milliseconds) {
  return new Promise((resolve) => {
    const end = (event) => {
      clearTimeout(timer)
      waiting.delete(wake)
      resolve(event)
    }
    const wake = (name, event) => fits(name, event) && end(event)
    const timer = setTimeout(() => end(undefined), milliseconds)
    waiting.add(wake)
  })
}

let planned

/** Renders the parts that change anew, in a moment: events come in crowds. */
export function refresh() {
  clearTimeout(planned)
  planned = setTimeout(() => void renew(), 250)
}

async function renew() {
  const next = await load(location.href)
  if (!next) return
  document.title = next.title
  for (const part of document.querySelectorAll('[data-live]')) {
    const fresh = next.getElementById(part.id)
    if (fresh) swap(part, fresh)
  }
}

/** What was open stays open, and the focus where it was. */
function swap(old, fresh) {
  for (const { id, open } of old.querySelectorAll('details[id]')) {
    const again = fresh.querySelector(`#${CSS.escape(id)}`)
    if (again) again.open = open
  }
  if (old.outerHTML === fresh.outerHTML) return
  const focused = old.contains(document.activeElement) ? document.activeElement : undefined
  const place = focused?.closest('[id]')
  old.replaceWith(document.adoptNode(fresh))
  if (place) focus(document.getElementById(place.id), place !== focused)
}

/** @param within whether something in it had the focus */
function focus(place, within) {
  const target = within ? place?.querySelector('summary, a, button') : place
  target?.focus({ preventScroll: true })
}

/** Listens from now on. After a gap the browser says what it saw last, and gets what it missed. */
export function connect() {
  const sign = document.getElementById('live')
  const stream = new EventSource('/v1/events')
  stream.addEventListener('open', () => {
    sign.textContent = 'live'
    sign.className = 'on'
    refresh()
  })
  stream.addEventListener('error', () => {
    sign.textContent = 'not live, trying again'
    sign.className = ''
    if (stream.readyState !== EventSource.CLOSED) return
    setTimeout(connect, 10_000)
    refresh()
  })
  for (const name of happenings) {
    stream.addEventListener(name, ({ data }) => {
      const event = JSON.parse(data)
      for (const wake of waiting) wake(name, event)
      refresh()
    })
  }
}
