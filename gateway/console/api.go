package console

import (
	"encoding/json"
	"net/http"

	"stillwater"
)

// apiHome is a home for machines: what the engine says, and the name as it may be shown.
type apiHome struct {
	Name string `json:"name"`
	stillwater.Standing
}

func (c *Console) apiHomes(w http.ResponseWriter, r *http.Request) {
	v := c.view(r)
	list := []apiHome{}
	for _, s := range c.Standings.Standings() {
		list = append(list, apiHome{v.name(v.home(s.Household)), s})
	}
	c.json(w, http.StatusOK, list)
}

// apiIncidents gives the open incidents, or the latest of one household.
func (c *Console) apiIncidents(w http.ResponseWriter, r *http.Request) {
	var list []stillwater.Incident
	var err error
	if id := r.URL.Query().Get("household"); id != "" {
		list, err = c.Incidents.RecentIncidents(r.Context(), stillwater.HouseholdID(id), maxRecent)
	} else {
		list, err = c.Incidents.OpenIncidents(r.Context())
	}
	if err != nil {
		c.Log.Error("incidents", "err", err)
		c.json(w, http.StatusInternalServerError, map[string]string{"error": "the store did not answer"})
		return
	}
	if list == nil {
		list = []stillwater.Incident{}
	}
	c.json(w, http.StatusOK, list)
}

// healthz says whether the gateway is well: 200, or 503 while a condition holds that people must be told of.
func (c *Console) healthz(w http.ResponseWriter, _ *http.Request) {
	conditions := []Condition{}
	if c.Health != nil {
		conditions = append(conditions, c.Health.Conditions()...)
	}
	status, word := http.StatusOK, "ok"
	for _, k := range conditions {
		if k.Severity.Above(stillwater.Question) {
			status, word = http.StatusServiceUnavailable, "ill"
		}
	}
	c.json(w, status, map[string]any{"status": word, "conditions": conditions})
}

func (c *Console) json(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		c.Log.Debug("answer in JSON", "err", err)
	}
}
