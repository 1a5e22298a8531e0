package botwright

import (
	"context"

	"github.com/botwright/botwright/internal/session"
)

// An AlertStore is a [SessionStore] that also keeps the alerts of [WithHealth], so that they
// survive the process. The next process sends one resolved alert, with the duration, for a problem
// that is over by then. It does not report a problem that is still there as new. And it delivers
// the alerts that no [Alerter] had accepted. [FileSessionStore] returns an AlertStore. With other
// stores, problems that are open after a restart are reported as new.
//
// If a process is killed while it delivers an alert, or just after, the next process delivers that
// alert again.
type AlertStore interface {
	SessionStore

	// SaveAlerts replaces the stored alerts. It is called when they change. The alerts of a
	// thousand shards that are all down take about 2 MB, those of a healthy bot 100 bytes.
	SaveAlerts(ctx context.Context, alerts []byte) error

	// LoadAlerts returns the stored alerts, or nil if there are none. It is called once, by
	// [Bot.Open].
	LoadAlerts(ctx context.Context) (alerts []byte, err error)
}

// alertStore returns where the bot keeps its alerts, nil if nowhere.
func (c *config) alertStore() AlertStore {
	if store, ok := c.sessionStore.(AlertStore); ok && len(c.health.Alerters) > 0 {
		return store
	}
	return nil
}

// restoreAlerts goes on with the alerts of an earlier process, before the first check.
func (b *Bot) restoreAlerts(ctx context.Context) {
	store := b.cfg.alertStore()
	if store == nil {
		return
	}
	var saved []byte
	err := b.callStore(ctx, func(ctx context.Context) (err error) {
		saved, err = store.LoadAlerts(ctx)
		return err
	})
	if err == nil {
		err = b.health.restore(saved)
	}
	if err != nil {
		b.cfg.logger.Warn("saved alerts are refused; what is open is told as new", "reason", err)
	}
}

// restore takes what an earlier process has stored of its alerts, before Run.
func (h *Health) restore(saved []byte) error {
	told, at, err := h.ledger.Restore(saved)
	if err == nil {
		h.monitor.Restore(told, at)
	}
	return err
}

// savedAlerts returns the alerts as the Saver sees them, nil if they are not saved.
func (b *Bot) savedAlerts() session.Alerts {
	if b.cfg.alertStore() == nil {
		return nil
	}
	return b.health.ledger
}

func (b *Bot) saveAlerts(ctx context.Context, alerts []byte) error {
	return b.callStore(ctx, func(ctx context.Context) error {
		return b.cfg.alertStore().SaveAlerts(ctx, alerts)
	})
}

// saveLastAlerts stores what has become of the alerts when the last of them were sent.
func (b *Bot) saveLastAlerts(ctx context.Context) {
	if b.cfg.alertStore() != nil {
		<-b.healthEnded
		b.saver.SaveAlerts(ctx)
	}
}
