// Runs before anything else of the page: this document may ask its own host, the hub, this machine, and what a person has named.
// The policy in the HTML leaves open whom to ask, since none can be widened later; this one closes it, and a reload opens it for more.
;(() => {
  const always = [
    "'self'",
    'https://huggingface.co',
    'https://*.huggingface.co',
    'https://*.hf.co',
    'http://localhost:*',
    'http://127.0.0.1:*',
  ]
  const named = [new URLSearchParams(location.search).get('hub')]
  try {
    named.push(...JSON.parse(sessionStorage.getItem('tokenscope.origins') ?? '[]'))
  } catch {
    // Without storage, or with something else in it, nothing more is allowed.
  }
  const origins = named
    .filter((address) => typeof address === 'string' && URL.canParse(address))
    .map((address) => new URL(address))
    .filter(({ protocol }) => /^https?:$/.test(protocol))
    .map(({ origin }) => origin)
  const policy = document.createElement('meta')
  policy.httpEquiv = 'Content-Security-Policy'
  policy.content = `connect-src ${[...always, ...origins].join(' ')}`
  document.head.append(policy)
})()
