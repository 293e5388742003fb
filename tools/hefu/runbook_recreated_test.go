package main

// nanjing is the topic of the first city.
const nanjing = "QL_JC_SSJC_320100"

// topicRecreated: the topic of a city is deleted and made anew under its name, with other rows.
func topicRecreated(r *rehearsal) {
	r.deletesTopic(nanjing)
	r.says("no such topic", "status")
	r.makesTopic(nanjing, 2)
	r.sends(nanjing, 0, 40)
	r.sends(nanjing, 1, 20)
}
