/**
 * Loaded before the page is drawn, so as a script and no module: dark or light as it was chosen here last, else as the
 * system has it.
 */
{
  const root = document.documentElement
  root.classList.add('js')
  try {
    const theme = localStorage.getItem('sluice-theme')
    if (theme === 'dark' || theme === 'light') root.dataset['theme'] = theme
  } catch {
    // A browser may keep nothing for us, and says so with an exception.
  }
}
