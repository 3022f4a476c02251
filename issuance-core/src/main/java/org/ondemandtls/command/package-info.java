/** What an operator runs by hand: moving certificates from elsewhere into a store, and installing into a Tomcat. */
@NullMarked
package org.ondemandtls.command;

import org.jspecify.annotations.NullMarked;
