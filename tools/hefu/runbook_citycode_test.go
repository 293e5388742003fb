package main

import (
	"fmt"

	"github.com/hefu-io/hefu/services/devstack/stack"
)

// wrongCityCode: a city was added under the code 320853, and its own is 320583.
func wrongCityCode(r *rehearsal) {
	const topic = "QL_JC_SSJC_320583"
	r.makesTopic(topic, stack.CityPartitions)
	line := `      - {id: wuxi, city: "320200", `
	r.configure(line, fmt.Sprintf(`      - {id: kunshan, city: "320853", brokers: [%q], topic: %s}`+"\n", r.at(topic), topic+r.suffix)+line)
	hefu(r.T, "reload", "--who", "li", "--why", "Kunshan is ready", "-c", r.stack.ConfigFile()).want(r.T, exitGood)
	r.sends(topic, 0, 30)
	r.sends(topic, 1, 30)
	r.until("the rows are in the table", func() bool { return r.count("sscsdm = '320853'") == 60 })
}
