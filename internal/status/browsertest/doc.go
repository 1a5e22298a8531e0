// Package browsertest looks at the status page in headless Chromium. It is a module of its own so
// that the library does not depend on what drives the browser.
package browsertest
