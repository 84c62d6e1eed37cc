// Shows the link's key, once, and goes on to the page. The key is taken out of the address at once.
'use strict'
const said = document.getElementById('said')
const key = location.hash.slice(1)
history.replaceState(null, '', location.pathname)
if (key) {
  fetch('session', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ key }) })
    .then(async (answer) => {
      if (answer.ok) return location.replace('./')
      const problem = await answer.json()
      said.textContent = `${problem.detail} ${problem.fix}`
    })
    .catch(() => { said.textContent = 'The server gave no answer. Load the page again in a moment.' })
}
