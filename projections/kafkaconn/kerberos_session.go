package kafkaconn

import (
	"errors"
	"fmt"
	"time"

	"github.com/jcmturner/gokrb5/v8/asn1tools"
	"github.com/jcmturner/gokrb5/v8/gssapi"
	"github.com/jcmturner/gokrb5/v8/iana/chksumtype"
	"github.com/jcmturner/gokrb5/v8/iana/keyusage"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
)

// ticket is what a broker lets in.
type ticket struct {
	service     string // principal, for people
	granted     messages.Ticket
	key         types.EncryptionKey
	client      types.PrincipalName
	realm       string
	renew, ends time.Time // by our clock
}

// token is the first message of a session: an AP_REQ of now (RFC 4120 §5.5.1)
// with the checksum of RFC 4121 §4.1.1 (no channel binding; integrity and
// confidentiality may be used), in the frame of RFC 2743 §3.1.
func (t *ticket) token() ([]byte, error) {
	a, err := types.NewAuthenticator(t.realm, t.client)
	if err != nil {
		return nil, err
	}
	a.Cksum = types.Checksum{
		CksumType: chksumtype.GSSAPI,
		Checksum:  []byte{0: 16, 20: gssapi.ContextFlagInteg | gssapi.ContextFlagConf, 23: 0},
	}
	ask, err := messages.NewAPReq(t.granted, t.key, a)
	if err != nil {
		return nil, err
	}
	body, err := ask.Marshal()
	if err != nil {
		return nil, err
	}
	kerberos5 := []byte{0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 0x01, 0x02, 0x02} // 1.2.840.113554.1.2.2
	apReq := []byte{0x01, 0x00}
	return asn1tools.AddASNAppTag(append(append(kerberos5, apReq...), body...), 0), nil
}

// gssSession is the rest of a login (RFC 4752 §3.1): the broker says which
// layers of security it has, and we take none, for TLS is there for that.
type gssSession struct {
	key  types.EncryptionKey
	done bool
}

// noLayer is the layer "no security layer", as a bit of what is offered and as an
// answer.
const noLayer = 1

// Challenge implements sasl.Session.
func (s *gssSession) Challenge(said []byte) (bool, []byte, error) {
	if s.done {
		return false, nil, errors.New("gssapi: the broker goes on after the login is done")
	}
	s.done = true
	var offer gssapi.WrapToken
	if err := offer.Unmarshal(said, true); err != nil {
		return false, nil, fmt.Errorf("gssapi: the broker's offer: %w", err)
	}
	if good, err := offer.Verify(s.key, keyusage.GSSAPI_ACCEPTOR_SEAL); !good {
		return false, nil, fmt.Errorf("gssapi: the broker's offer is not sealed with the ticket's key: %w", err)
	}
	if len(offer.Payload) != 4 || offer.Payload[0]&noLayer == 0 {
		return false, nil, fmt.Errorf("gssapi: the broker demands a security layer (sasl.qop other than auth; it offers % x)", offer.Payload)
	}
	answer, err := gssapi.NewInitiatorWrapToken([]byte{noLayer, 0, 0, 0}, s.key)
	if err != nil {
		return false, nil, fmt.Errorf("gssapi: answer the broker's offer: %w", err)
	}
	message, err := answer.Marshal()
	return true, message, err
}
