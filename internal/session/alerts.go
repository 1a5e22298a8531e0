package session

func (f *File) alertsPath() string { return f.path + ".alerts" }

// SaveAlerts replaces what is stored of the open alerts.
func (f *File) SaveAlerts(b []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.usableLocked(); err != nil {
		return err
	}
	return replaceFile(f.alertsPath(), b)
}

// LoadAlerts returns what is stored of the open alerts; nothing if that is none.
func (f *File) LoadAlerts() ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.usableLocked(); err != nil {
		return nil, err
	}
	return readOwn(f.alertsPath())
}
