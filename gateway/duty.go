package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"stillwater"
	"stillwater/adapters/sqlite"
	"stillwater/gateway/calendar"
	"stillwater/gateway/duty"
	"stillwater/gateway/incident"
	"stillwater/gateway/registry"
)

// coverageDays is how far ahead check and duty look for hours without anybody.
const coverageDays = 14

// maxRosterDays bounds a printed roster.
const maxRosterDays = 370

func dutyCommand() *cobra.Command {
	var path, from string
	var days int
	var asCSV bool
	cmd := &cobra.Command{
		Use:   "duty --config FILE [--from DATE] [--days N] [--csv]",
		Short: "Show who is on duty, day by day, and the hours without anybody",
		Long: `Prints the duty roster by day and post, from the configuration and from imported rosters, with every hole marked, and
below it what is left open: hours without anybody, homes that a role does not reach by day, at night, on weekends or on
holidays, and the Spring Festival from thirty days before it on. In Chinese where LANG is.

With --csv the roster is a table for a spreadsheet, and what is left open goes to standard error.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			first := duty.DateOf(time.Now())
			if from != "" {
				if err := first.UnmarshalText([]byte(from)); err != nil {
					return fmt.Errorf("--from: %w", err)
				}
			}
			if days < 1 || days > maxRosterDays {
				return fmt.Errorf("--days %d; write 1 to %d", days, maxRosterDays)
			}
			return printDuty(cmd.Context(), path, first, days, asCSV, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	configFlag(cmd, &path)
	cmd.Flags().StringVar(&from, "from", "", "the first day, like 2026-02-16; left out: today")
	cmd.Flags().IntVar(&days, "days", coverageDays, "how many days")
	cmd.Flags().BoolVar(&asCSV, "csv", false, "print a table for a spreadsheet")
	return cmd
}

func printDuty(ctx context.Context, path string, from duty.Date, days int, asCSV bool, stdout, stderr io.Writer) error {
	c, _, problems := loadConfig(path)
	if len(problems) > 0 {
		return tell(stderr, problems)
	}
	households, imported, err := c.stored(ctx, stderr)
	if err != nil {
		return err
	}
	households, _ = registry.Merge(c.people(), households)
	roster, lost := c.roster(households, imported)
	households = roster.Attach(households)
	rows := roster.Rows(households, stillwater.Place{}, from, days)
	warn := stdout
	if asCSV {
		warn = stderr
		if err := csv.NewWriter(stdout).WriteAll(roster.Records(rows, language())); err != nil {
			return err
		}
	} else {
		fmt.Fprint(stdout, roster.Text(rows, language()))
	}
	begin := from.UTC().Add(-zoneOffset(households, from.UTC()))
	report := roster.Report(households, c.staffRoles(), begin, begin.AddDate(0, 0, days))
	for _, line := range append(report.Warnings(language()), lostPosts(lost)...) {
		fmt.Fprintln(warn, "warning:", line)
	}
	return nil
}

// zoneOffset is how far the homes' clocks are before UTC; those of the first home, where they stand in several zones.
func zoneOffset(households []stillwater.Household, at time.Time) time.Duration {
	zone := stillwater.Household{TimeZone: duty.DefaultZone}.Location()
	if len(households) > 0 {
		zone = households[0].Location()
	}
	_, offset := at.In(zone).Zone()
	return time.Duration(offset) * time.Second
}

// language is that of whoever sits at the terminal.
func language() string {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if value := os.Getenv(name); value != "" {
			if strings.HasPrefix(strings.ToLower(value), "zh") {
				return "zh-CN"
			}
			break
		}
	}
	return "en"
}

// stored is what was imported so far. A store that is not there yet is not made.
func (c *Config) stored(ctx context.Context, stderr io.Writer) (households []stillwater.Household, imported duty.Imported, err error) {
	if _, err := os.Stat(c.Store.Path); errors.Is(err, fs.ErrNotExist) {
		return nil, duty.Imported{}, nil
	}
	db, err := sqlite.Open(ctx, c.Store, slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelWarn})))
	if err != nil {
		return nil, duty.Imported{}, err
	}
	defer db.Close() //nolint:errcheck // it was read
	if households, err = db.Households(ctx); err != nil {
		return nil, duty.Imported{}, err
	}
	return households, imported, db.Document(ctx, sqlite.Duty, &imported)
}

// everybody is the contacts that rosters may name: those of the configuration, and those of homes.
func (c *Config) everybody(households []stillwater.Household) []stillwater.Contact {
	var list []stillwater.Contact
	known := map[stillwater.ContactID]bool{}
	add := func(contact stillwater.Contact) {
		if !known[contact.ID] && contact.Post == "" {
			known[contact.ID] = true
			list = append(list, contact)
		}
	}
	for i := range c.Contacts {
		add(c.Contacts[i].Contact())
	}
	for i := range households {
		for _, contact := range households[i].Contacts {
			add(contact)
		}
	}
	return list
}

// roster is the posts of the configuration with what was imported for them; lost are imported posts that the configuration does not have.
func (c *Config) roster(households []stillwater.Household, imported duty.Imported) (r *duty.Roster, lost []string) {
	all, lost := c.Duty.With(imported)
	days := duty.Calendar{Days: calendar.Working(c.Calendar), Spring: calendar.Spring(c.Calendar)}
	return duty.New(all, c.everybody(households), days), lost
}

// lostPosts says what becomes of rosters for posts that are not there.
func lostPosts(names []string) (lines []string) {
	for _, name := range names {
		lines = append(lines, fmt.Sprintf("post %q: a roster was imported for it, and the configuration has no such post, so nobody of it is on duty; add the post under duty, or import the roster under the name the post has now", name))
	}
	return lines
}

// staffRoles is the roles by turns that a ladder names, in the order of stillwater.Roles.
func (c *Config) staffRoles() (roles []stillwater.Role) {
	ladders := append([]incident.Ladder{{Alert: c.Ladders.Alert, Urgent: c.Ladders.Urgent, Question: c.Ladders.Question}}, c.Ladders.For...)
	var named []stillwater.Role
	for _, l := range ladders {
		for _, rung := range slices.Concat(l.Question, l.Alert, l.Urgent) {
			named = append(named, rung.To...)
		}
	}
	for _, role := range stillwater.Roles {
		if role.Staff() && slices.Contains(named, role) {
			roles = append(roles, role)
		}
	}
	return roles
}

// tellCoverage prints what the rosters of the configuration leave open in the days to come. They are warnings: a roster can be mended while the
// gateway runs. What was imported is not looked at, for check opens nothing.
func (c *Config) tellCoverage(w io.Writer, now time.Time) {
	roster, _ := c.roster(c.people(), duty.Imported{})
	report := roster.Report(roster.Attach(c.people()), c.staffRoles(), now, now.AddDate(0, 0, coverageDays))
	if len(c.Households) == 0 {
		report.Idle = nil // they are imported
	}
	if len(c.Contacts) == 0 {
		report.Unknown = nil
	}
	lines := report.Warnings(language())
	for _, line := range lines {
		fmt.Fprintln(w, "warning:", line)
	}
	if len(lines) > 0 {
		fmt.Fprintf(w, "(warnings: %d, about who is on duty in the next %d days; imported homes and rosters are not looked at here: stillwater duty does)\n", len(lines), coverageDays)
	} else if len(c.Duty.Posts) > 0 {
		fmt.Fprintf(w, "duty: %d posts, somebody is on duty at any time of the next %d days.\n", len(c.Duty.Posts), coverageDays)
	}
}

// withDuty gives the command import its way for rosters: import --config FILE --duty FILE.
func withDuty(cmd *cobra.Command) *cobra.Command {
	var file, post string
	cmd.Flags().StringVar(&file, "duty", "", "take in a duty roster (值班表) instead: a workbook or table with a row a day and shift, or a column a shift")
	cmd.Flags().StringVar(&post, "post", "", "with --duty: the post the roster is of, where no column says it")
	args, run := cmd.Args, cmd.RunE
	cmd.Args = func(cmd *cobra.Command, list []string) error {
		switch {
		case file != "" && len(list) > 0:
			return errors.New("import a roster by itself: stillwater import --config FILE --duty FILE")
		case file != "":
			return nil
		case post != "":
			return errors.New("--post goes with --duty: stillwater import --config FILE --duty FILE --post NAME")
		}
		return args(cmd, list)
	}
	cmd.RunE = func(cmd *cobra.Command, list []string) error {
		if file == "" {
			return run(cmd, list)
		}
		return importDuty(cmd.Context(), cmd.Flag("config").Value.String(), file, post, cmd.OutOrStdout(), cmd.ErrOrStderr())
	}
	return cmd
}

// importDuty is import --duty: the roster of a file, all of it or, when there is a mistake, nothing. post names the post of a table without a
// column for it.
func importDuty(ctx context.Context, path, file, post string, stdout, stderr io.Writer) error {
	c, _, problems := loadConfig(path)
	if len(problems) > 0 {
		return tell(stderr, problems)
	}
	files, err := registry.ReadFiles(file)
	if err != nil {
		return err
	}
	db, err := sqlite.Open(ctx, c.Store, slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelWarn})))
	if err != nil {
		return err
	}
	defer db.Close() //nolint:errcheck // what was put is on disk
	households, err := db.Households(ctx)
	if err != nil {
		return err
	}
	households, _ = registry.Merge(c.people(), households)
	roster, err := c.readDuty(files, duty.Office{Posts: c.Duty.Posts, Contacts: c.everybody(households), Post: post}, stdout, stderr)
	if err != nil {
		return err
	}
	var all duty.Imported
	if err := db.ChangeDocument(ctx, sqlite.Duty, &all, func() error { all.Take(roster); return nil }); err != nil {
		return err
	}
	for _, p := range roster.Posts {
		fmt.Fprintf(stdout, "%s: %d shifts imported\n", p.Post, len(p.Shifts))
	}
	return nil
}

// readDuty reads the rosters of all tables, and prints what is wrong with them.
func (c *Config) readDuty(files []registry.File, o duty.Office, stdout, stderr io.Writer) (all duty.Imported, err error) {
	mistakes := 0
	for _, f := range files {
		sheets, err := registry.Sheets(f)
		if err != nil {
			return duty.Imported{}, err
		}
		for _, s := range sheets {
			if len(sheets) > 1 && !duty.IsRoster(s.Rows) {
				fmt.Fprintf(stdout, "note: %s: this sheet is no roster; nothing of it was stored\n", s.Name)
				continue
			}
			o.Workbook = s.Workbook
			roster, problems, notes := duty.Read(s.Name, s.Rows, o)
			for _, n := range notes {
				fmt.Fprintln(stdout, "note:", n)
			}
			for _, p := range problems {
				fmt.Fprintln(stderr, p)
			}
			mistakes += len(problems)
			all.Add(roster)
		}
	}
	if mistakes > 0 {
		fmt.Fprintf(stderr, "%d mistakes; nothing was imported\n", mistakes)
		return duty.Imported{}, errTold
	}
	if len(all.Posts) == 0 {
		return duty.Imported{}, errors.New("there is no roster in it; name the columns in the first row, like date, post, hours, who, phone (日期、岗位、时间、值班人员、电话)")
	}
	return all, nil
}

// attachDuty makes the roster anew, and gives the homes with everybody who may be told of them by turns.
func (g *gateway) attachDuty(ctx context.Context, households []stillwater.Household) ([]stillwater.Household, error) {
	var imported duty.Imported
	if err := g.store.Document(ctx, sqlite.Duty, &imported); err != nil {
		return nil, err
	}
	roster, lost := g.config.roster(households, imported)
	for _, id := range roster.Unknown() {
		g.log.Warn("the roster names somebody who is no contact and is not told", "contact", id)
	}
	for _, name := range lost {
		g.log.Warn("a roster was imported for a post that the configuration does not have", "post", name)
	}
	g.roster.Store(roster)
	return roster.Attach(households), nil
}

// onDuty says whether a contact of a home may be told at a moment.
func (g *gateway) onDuty(h stillwater.Household, c stillwater.Contact, at time.Time) bool {
	return g.roster.Load().OnDuty(h, c, at)
}
