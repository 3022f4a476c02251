/** The engine in front of Tomcat's TLS handshakes, on Tomcat 10.1 and 11. */
@NullMarked
package org.ondemandtls.tomcat;

import org.jspecify.annotations.NullMarked;
