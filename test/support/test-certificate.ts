/** A self-signed certificate for localhost and 127.0.0.1, valid for a hundred years, used by tests only. */

export const testCertificate = `-----BEGIN CERTIFICATE-----
MIIBmzCCAUGgAwIBAgIUDkvIFcrzFpd+llhZwE+iGXve414wCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMzIzMzgwNloYDzIxMjYxMDMw
MjMzODA2WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAS6fXJeog47b0ZEyzCw1gZ6Iir4YJqmO7z3v1i6y2iON03eCC9N3VG+
+Fkt/jVnIRtY1tqDpcS7IeCI92ESxo8Do28wbTAdBgNVHQ4EFgQUlfLR4XqS1sFo
pHKKPEIhXYq8QYQwHwYDVR0jBBgwFoAUlfLR4XqS1sFopHKKPEIhXYq8QYQwDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
zj0EAwIDSAAwRQIgNue7lxb1X971wY8ZvaBIEq+v6OnEGSq8JFklGQu7CjoCIQCD
AVUrclaEDUKD+VvZJMpb8y3yd7w487pU6Z/03qFpaA==
-----END CERTIFICATE-----
`;

export const testPrivateKey = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgwV1/maoQLEvBVRAs
4ct6fgclZD9UbP49yq2x3x7hwqKhRANCAAS6fXJeog47b0ZEyzCw1gZ6Iir4YJqm
O7z3v1i6y2iON03eCC9N3VG++Fkt/jVnIRtY1tqDpcS7IeCI92ESxo8D
-----END PRIVATE KEY-----
`;

/** A key that does not belong to the certificate. */
export const strangePrivateKey = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgZoulQd1CEgJxmuuM
fbliekhUjczA64jKextqHUDrtPOhRANCAAS3XW1eZOsHY4XwkiWEHGfdJWrtiOCp
ATKCeufoM46qYdyTBhCgnyHcpAxdwKwIybi1/q2f+38UN7z7ktLgahPN
-----END PRIVATE KEY-----
`;
