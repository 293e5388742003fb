package realkdc

import (
	"fmt"
	"strings"
)

// krb5Conf is for clients and the broker. TCP only, as deploy/hefu.yaml advises.
func (k *KDC) krb5Conf() string {
	return fmt.Sprintf(`[libdefaults]
 default_realm = %[1]s
 dns_lookup_realm = false
 dns_lookup_kdc = false
 rdns = false
 ticket_lifetime = %[2]s
 renew_lifetime = %[2]s
 forwardable = true
 udp_preference_limit = 1
[realms]
 %[1]s = {
  kdc = %[3]s
 }
[domain_realm]
 .%[4]s = %[1]s
 %[4]s = %[1]s
`, k.realm, k.seconds(), k.Addr(), strings.ToLower(k.realm))
}

func (k *KDC) kdcConf() string {
	return fmt.Sprintf(`[kdcdefaults]
 kdc_listen = %[1]s
 kdc_tcp_listen = %[1]s
[realms]
 %[2]s = {
  database_name = %[3]s/principal
  key_stash_file = %[3]s/stash
  acl_file = %[3]s/kadm5.acl
  max_life = %[4]s
  max_renewable_life = %[4]s
  supported_enctypes = aes256-cts-hmac-sha1-96:normal aes128-cts-hmac-sha1-96:normal
  default_principal_flags = +preauth
 }
[logging]
 kdc = FILE:%[3]s/kdc.log
`, k.Addr(), k.realm, k.dir, k.seconds())
}

func (k *KDC) seconds() string { return fmt.Sprintf("%ds", int(k.life.Seconds())) }
