/** Brings what libraries log through SLF4J to Tomcat's own log. */
@NullMarked
package org.ondemandtls.tomcat.juli;

import org.jspecify.annotations.NullMarked;
