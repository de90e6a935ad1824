// The dialog before something is started: what it does, whom it hits, and the name where it breaks clients.
import { load } from './live.js'
import { post } from './post.js'

export const $ = (id) => document.getElementById(id)

const actions = {
  rotate: {
    title: ({ name }) => `Rotate ${name} now`,
    text: () =>
      'A new version is made, written, taken up and proved; otherwise everything is put back.',
    go: 'Rotate now',
    breaks: true,
  },
  rollback: {
    title: ({ name, to }) => `Roll ${name} back to version ${to}`,
    text: ({ to }) =>
      `Version ${to} is written again, taken up and proved. The present one is no longer used.`,
    go: 'Roll back',
    breaks: true,
  },
  pause: {
    title: ({ name }) => `Pause ${name}`,
    text: () => 'It no longer rotates by itself. It may expire meanwhile.',
    go: 'Pause',
  },
  resume: {
    title: ({ name }) => `Resume ${name}`,
    text: () =>
      'Ends a pause or suspension; what needed attention counts as settled. What is due starts soon.',
    go: 'Resume',
  },
  approve: {
    title: ({ name }) => `Approve the rotation of ${name}`,
    text: () => 'It starts once it is due and its window is open, without asking again.',
    go: 'Approve',
  },
}

/** What is asked now; late answers for something else find that they are no longer wanted. */
let asked

export function whatIsAsked() {
  return asked
}

export function isAsked(one) {
  return asked === one && $('ask').open
}

/** Shows a text, or hides the place for it where there is none. */
export function say(id, text = '') {
  $(id).textContent = text
  $(id).hidden = text === ''
}

/** Opens the dialog for what a button says. */
export async function ask({ do: action, name, to }) {
  const mine = { action, name, to, key: crypto.randomUUID() }
  asked = mine
  clean(mine)
  $('ask').showModal()
  const { breaks } = actions[action]
  if (!breaks) return
  const page = await load(`/materials/${name}`)
  if (!isAsked(mine)) return
  wantName(name, page?.querySelector('dd .impact')?.textContent)
  if (action === 'rotate') await preview(mine)
  if (isAsked(mine) && action === 'rollback') $('ask-go').disabled = false
}

/** What was asked last is gone. Whatever breaks clients waits until it is known which. */
function clean(mine) {
  const { title, text, go, breaks = false } = actions[mine.action]
  const pauses = mine.action === 'pause'
  $('ask-form').reset()
  $('ask-fields').disabled = false
  say('ask-title', title(mine))
  say('ask-text', text(mine))
  for (const id of ['ask-refused', 'ask-said', 'ask-error', 'ask-impact']) say(id)
  $('ask-said').className = ''
  $('ask-log').replaceChildren()
  $('ask-steps').hidden = true
  say('ask-go', go)
  $('ask-go').disabled = breaks
  say('ask-cancel', 'Cancel')
  $('ask-until').hidden = !pauses
  $('ask-why').querySelector('input').required = pauses
  demand('ask-now', false)
  demand('ask-name', false)
}

/** Shows a field that has to be filled in, or hides it. */
function demand(id, needed) {
  $(id).hidden = !needed
  $(id).querySelector('input').required = needed
}

/** A yes slips too easily. */
function wantName(name, impact) {
  if (impact === undefined) return
  demand('ask-name', true)
  $('ask-name').querySelector('span').textContent = `Type ${name} if that is what you want`
  const input = $('ask-name').querySelector('input')
  input.pattern = name
  input.title = `the name ${name}`
  say('ask-impact', `This hits clients: ${impact}`)
}

/** What a rotation would do, and whether it would be refused now. */
async function preview(mine) {
  const { name } = mine
  const dry = (more) =>
    post(`/v1/materials/${name}/rotate`, { dry_run: true, accept_impact: name, ...more })
  try {
    const { steps, refused } = await dry({})
    const hurried = refused && (await dry({ now: true }))
    if (!isAsked(mine)) return
    list(steps)
    if (hurried) objections(refused, !hurried.refused)
    $('ask-go').disabled = hurried?.refused !== undefined
  } catch (problem) {
    if (isAsked(mine)) complain(problem)
  }
}

/** @param mayHurry it is only its window that is closed */
function objections({ reason, hint = '' }, mayHurry) {
  if (!mayHurry) return say('ask-refused', `${reason}. ${hint}`)
  say('ask-text', `${reason}.`)
  demand('ask-now', true)
}

function list(steps) {
  const items = steps.map((step) => element('li', step))
  $('ask-steps')
    .querySelector('ol')
    .replaceChildren(...items)
  $('ask-steps').hidden = false
}

function element(name, text) {
  const made = document.createElement(name)
  made.textContent = text
  return made
}

/** An error in words, with what to do and the id that the log has. */
export function complain({ message, detail = message, hint, id }) {
  const lines = [detail, hint, id && `id ${id}`].filter(Boolean)
  $('ask-error').replaceChildren(...lines.map((line) => element('p', line)))
  $('ask-error').hidden = false
}
