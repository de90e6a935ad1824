// The script of the status page. The server renders everything; this asks before something is started, and follows
// what happens. It writes no HTML: Trusted Types forbid that.
import { $, ask, whatIsAsked } from './ask.js'
import { connect, refresh } from './live.js'
import { perform } from './perform.js'

document.documentElement.classList.add('js')

document.addEventListener('click', ({ target }) => {
  const button = target.closest('[data-do]')
  if (button) void ask(button.dataset)
  else if (target.id === 'ask-cancel') $('ask').close()
})
$('ask-form')?.addEventListener('submit', (event) => {
  event.preventDefault()
  void perform(whatIsAsked())
})
$('ask')?.addEventListener('close', refresh)
connect()
setInterval(refresh, 60_000)
