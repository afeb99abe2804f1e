import '../../app/globals.css';

// Files that run in the same browser share its cookies.
for (const name of ['role', 'wire']) {
  // biome-ignore lint/suspicious/noDocumentCookie: the proxy reads it.
  document.cookie = `${name}=; path=/; max-age=0`;
}
