package org.ondemandtls.sql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.util.Properties;
import javax.sql.DataSource;
import org.junit.jupiter.api.Test;

/** {@link SqlSource}. */
class SqlSourceTest {

    private final Connection connection = (Connection) Proxy.newProxyInstance(
            SqlSourceTest.class.getClassLoader(), new Class<?>[] {Connection.class}, (self, method, arguments) -> null);
    private final DataSource pool = (DataSource) Proxy.newProxyInstance(
            SqlSourceTest.class.getClassLoader(),
            new Class<?>[] {DataSource.class},
            (self, method, arguments) -> connection);

    @Test
    void aPoolThatAnApplicationLendsIsUsedWithoutJndi() throws Exception {
        String name = SqlSource.lend("lentByATest", pool);
        SqlSource source = SqlSource.of(name);

        assertThat(source.connect(1000, new Properties())).isSameAs(connection);
        assertThat(source.isPool()).isTrue();
        SqlSource.takeBack(name);
        assertThatThrownBy(() -> source.connect(1000, new Properties())).isInstanceOf(SqlSource.Unusable.class);
    }

    @Test
    void twoApplicationsThatLendUnderOneWordKeepTheirPoolsApart() throws Exception {
        Connection ofAnother = (Connection) Proxy.newProxyInstance(
                SqlSourceTest.class.getClassLoader(),
                new Class<?>[] {Connection.class},
                (self, method, arguments) -> null);
        DataSource poolOfAnother = (DataSource) Proxy.newProxyInstance(
                SqlSourceTest.class.getClassLoader(),
                new Class<?>[] {DataSource.class},
                (self, method, arguments) -> ofAnother);
        String one = SqlSource.lend("lentByATest", pool);
        String another = SqlSource.lend("lentByATest", poolOfAnother);

        assertThat(SqlSource.of(one).connect(1000, new Properties())).isSameAs(connection);
        SqlSource.takeBack(one);
        assertThat(SqlSource.of(another).connect(1000, new Properties())).isSameAs(ofAnother);
        SqlSource.takeBack(another);
    }
}
