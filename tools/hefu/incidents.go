package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/user"
	"strings"

	"github.com/spf13/cobra"

	"github.com/hefu-io/hefu/services/status"
)

func newIncidents() *cobra.Command {
	c := &cobra.Command{
		Use:   "incidents",
		Short: "List what waits for an operator's decision",
		Long: `Incidents lists what the machine may not decide alone, with the evidence and the choices.
A leg of a shard, or one source, stands still until its incident is resolved.
Exit code 1 when something waits.`,
		Example: "  hefu incidents -c hefu.yaml\n  hefu incidents resolve 3f2a… --choice retry --why 'put the right journal back' -c hefu.yaml",
		Args:    cobra.NoArgs,
	}
	file, output := configFlag(c), outputFlag(c)
	all := c.Flags().Bool("all", false, "list the resolved ones too")
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		cl, _, err := dial(*file)
		if err != nil {
			return err
		}
		var list []status.IncidentReport
		if err := cl.call(cmd.Context(), http.MethodGet, fmt.Sprintf("/v1/incidents?all=%t", *all), nil, &list); err != nil {
			return err
		}
		if *output == "json" {
			err = writeJSON(cmd.OutOrStdout(), list)
		} else {
			err = printIncidents(cmd.OutOrStdout(), list)
		}
		for _, in := range list {
			if in.Resolved == nil && err == nil {
				err = errNotGood
			}
		}
		return err
	}
	c.AddCommand(newResolve())
	return c
}

func newResolve() *cobra.Command {
	c := &cobra.Command{
		Use:     "resolve ID",
		Short:   "Decide an incident; who, why and the choice stay in the journal",
		Example: "  hefu incidents resolve 3f2a0c… --choice accept-gap --why 'retention, see ticket 4711' -c hefu.yaml",
		Args:    cobra.ExactArgs(1),
	}
	file := configFlag(c)
	choice := c.Flags().String("choice", "", "one of the incident's choices")
	why := c.Flags().String("why", "", "the reason")
	who := c.Flags().String("who", "", "the person who decides (default: the login name)")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		if *choice == "" || *why == "" {
			return errors.New("--choice and --why are needed: both stay in the journal")
		}
		cl, _, err := dial(*file)
		if err != nil {
			return err
		}
		if *who == "" {
			*who = login()
		}
		id, err := completeID(cmd, cl, args[0])
		if err != nil {
			return err
		}
		var in status.IncidentReport
		err = cl.call(cmd.Context(), http.MethodPost, "/v1/incidents/"+id+"/resolve", status.Resolution{Choice: *choice, Who: *who, Why: *why}, &in)
		if err != nil {
			return err
		}
		fmt.Fprintf(cmd.OutOrStdout(), "incident %s: %s by %s\n", in.ID, in.Resolved.Choice, in.Resolved.Who)
		return nil
	}
	return c
}

// completeID lets a person type the first digits of an id.
func completeID(cmd *cobra.Command, cl *client, prefix string) (string, error) {
	var list []status.IncidentReport
	if err := cl.call(cmd.Context(), http.MethodGet, "/v1/incidents?all=true", nil, &list); err != nil {
		return "", err
	}
	var found []string
	for _, in := range list {
		if strings.HasPrefix(in.ID, prefix) {
			found = append(found, in.ID)
		}
	}
	if len(found) != 1 {
		return "", fmt.Errorf("incident %s: %d incidents begin so", prefix, len(found))
	}
	return found[0], nil
}

func login() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return os.Getenv("USER")
}

func printIncidents(w io.Writer, list []status.IncidentReport) error {
	for _, in := range list {
		printIncident(w, in)
	}
	if len(list) == 0 {
		fmt.Fprintln(w, "no incident waits for a decision")
	}
	return nil
}

func printIncident(w io.Writer, in status.IncidentReport) {
	fmt.Fprintf(w, "incident %s  %s on %s", in.ID, in.Kind, in.Stream)
	if in.Source != "" {
		fmt.Fprintf(w, " source %s", in.Source)
	}
	fmt.Fprintln(w)
	for _, f := range in.Evidence {
		fmt.Fprintf(w, "  %-22s %s\n", f.Key, f.Value)
	}
	if in.Resolved != nil {
		fmt.Fprintf(w, "  resolved: %s by %s: %s\n", in.Resolved.Choice, in.Resolved.Who, in.Resolved.Why)
		return
	}
	fmt.Fprintf(w, "  choices: %s\n  decide:  hefu incidents resolve %s --choice … --why …\n", strings.Join(in.Choices, ", "), in.ID[:12])
}
